import assert from "node:assert/strict";
import { test } from "node:test";
import { slug } from "../slug.js";

test("words are joined by a dash", () => {
  assert.equal(slug("Hello, big world"), "hello-big-world");
});

test("accents go", () => {
  assert.equal(slug("Über uns!"), "uber-uns");
});

test("nothing stays of punctuation alone", () => {
  assert.equal(slug("?!"), "");
});
