import { afterEach, expect, test, vi } from "vitest";
import { localName, onUnauthorized, request } from "./http";

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

test("a browser is told where to paste the token, not to set a variable", async () => {
  vi.stubGlobal("document", { baseURI: "http://h/" });
  vi.stubGlobal("sessionStorage", { getItem: () => null });
  const answer = { detail: "a token is needed here", hint: "set RUNSTONE_TOKEN" };
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(answer), { status: 401 }));
  const prompted = vi.fn();
  const stop = onUnauthorized(prompted);
  const error = await request("runs").catch((caught: unknown) => caught);
  stop();
  expect(prompted).toHaveBeenCalledOnce();
  expect(error).toMatchObject({ status: 401, message: "a token is needed here" });
  expect(error).toHaveProperty("hint", expect.stringContaining("paste the token"));
  expect(error).not.toHaveProperty("hint", expect.stringContaining("RUNSTONE_TOKEN"));
});
