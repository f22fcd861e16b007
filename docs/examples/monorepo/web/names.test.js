import assert from "node:assert/strict";
import { test } from "node:test";
import { hint } from "./names.js";

test("a short name has room", () => assert.equal(hint("Ada"), "17 left"));
test("a long name has none", () => assert.equal(hint("x".repeat(22)), "2 too many"));
