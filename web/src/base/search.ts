//! The query of an address as plain text by name: short, readable, and nothing in it is an error.

/** What stands behind `?`. */
export type Search = Readonly<Record<string, string>>;

/** Reads a query; of a name that stands twice the last counts. */
export function parseSearch(query: string): Search {
  return Object.fromEntries(new URLSearchParams(query));
}

/** Writes a query; absent and empty values are left out, commas and colons stay readable. */
export function stringifySearch(search: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = pairs
    .map(
      ([name, value]) =>
        `${encodeURIComponent(name)}=${encodeURIComponent(String(value)).replace(/%(2C|3A|2F|40)/gi, (code) => decodeURIComponent(code))}`,
    )
    .join("&");
  return text === "" ? "" : `?${text}`;
}

/** Joins texts with commas; commas and backslashes inside are escaped. */
export function joinList(parts: readonly string[], separator = ","): string {
  return parts.map((part) => part.replaceAll("\\", "\\\\").replaceAll(separator, `\\${separator}`)).join(separator);
}

/** Splits what `joinList` joined; an empty text is no parts. */
export function splitList(text: string, separator = ","): readonly string[] {
  if (text === "") {
    return [];
  }
  const parts: string[] = [];
  let part = "";
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (character === "\\" && index + 1 < text.length) {
      index += 1;
      part += text.charAt(index);
    } else if (character === separator) {
      parts.push(part);
      part = "";
    } else {
      part += character;
    }
  }
  parts.push(part);
  return parts;
}
