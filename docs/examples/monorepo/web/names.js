import { readFileSync } from "node:fs";

const limits = JSON.parse(readFileSync(new URL("../shared/limits.json", import.meta.url)));

// hint tells somebody who types a name how much room is left.
export function hint(name) {
  const left = limits.longest - name.length;
  return left < 0 ? `${-left} too many` : `${left} left`;
}
