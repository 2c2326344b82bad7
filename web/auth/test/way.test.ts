import assert from "node:assert/strict";
import { test } from "node:test";
import { wayBack } from "../src/way.js";

const ORIGINS = ["https://tandem.example", "http://127.0.0.1:8080"];
const HOME = "https://tandem.example/";

test("an address of the product is kept whole", () => {
  for (const a of [HOME, "https://tandem.example/?q=tag%3Ahome#x", "http://127.0.0.1:8080/upcoming"]) assert.equal(wayBack(a, ORIGINS), a);
});

const FOREIGN = [
  null,
  "",
  "/upcoming",
  "//evil.example",
  "\\\\evil.example",
  "https://evil.example/",
  "https://tandem.example.evil.example/",
  "https://tandem.example@evil.example/",
  "https://evil.example/?https://tandem.example/",
  "https://evil.example#@tandem.example/",
  "https://ann:pw@tandem.example/",
  "http://tandem.example/",
  "https://tandem.example:444/",
  "http://127.0.0.1:8081/",
  "http://127.0.0.1:80800/",
  "javascript:alert(document.domain)//https://tandem.example/",
  "data:text/html,<script>alert(1)</script>",
  "blob:https://tandem.example/0190f3c2",
  "filesystem:https://tandem.example/x",
  "view-source:https://tandem.example/",
  `${HOME}?${"x".repeat(3000)}`,
  "https://xn--tndem-fsa.example/",
  "https:tandem.example.evil.example",
];

for (const a of FOREIGN) {
  test(`${String(a).slice(0, 60)} leads home`, () => assert.equal(wayBack(a, ORIGINS), HOME));
}

test("what a browser would read as another address is taken as the browser reads it", () => {
  assert.equal(wayBack(" https://tandem.example/a\n", ORIGINS), "https://tandem.example/a");
  assert.equal(wayBack("https:\\\\tandem.example\\a", ORIGINS), "https://tandem.example/a");
  assert.equal(wayBack("HTTPS://TANDEM.EXAMPLE:443/a/../b", ORIGINS), "https://tandem.example/b");
});
