// Puts .br and .gz beside every built file that gets smaller by it, and the manifest beside the
// folder: the binary embeds the folder, and no browser asks for the manifest.

import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = process.env.RUNSTONE_WEB_DIST ?? "dist";

renameSync(join(dist, "manifest.json"), `${dist}.manifest.json`);

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  });
}

for (const path of files(dist).filter((path) => /\.(js|css|svg)$/.test(path))) {
  const plain = readFileSync(path);
  const twins = {
    br: brotliCompressSync(plain, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length },
    }),
    gz: gzipSync(plain, { level: 9 }),
  };
  for (const [ending, bytes] of Object.entries(twins)) {
    if (bytes.length < plain.length * 0.95) {
      writeFileSync(`${path}.${ending}`, bytes);
    }
  }
}
