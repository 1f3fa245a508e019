import { afterEach, expect, test, vi } from "vitest";
import { localName } from "./http";

afterEach(() => {
  vi.unstubAllGlobals();
});

test("servers below one origin have names of their own, the same from every page", () => {
  const at = (baseURI: string) => {
    vi.stubGlobal("document", { baseURI });
    return localName("n");
  };
  expect(at("http://h/proxy/1/")).not.toBe(at("http://h/proxy/2/"));
  expect(at("http://h/proxy/1/")).toBe(at("http://h/proxy/1/?q=1"));
});
