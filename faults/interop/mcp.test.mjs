// Plays the same story with each client: the first generation of the SDK, and the second one in both eras of the protocol; over HTTP
// with a personal access token, and over the standard input and output of `tandem mcp`. Go starts the server and this file, see
// interop_test.go.
import assert from "node:assert/strict";
import test from "node:test";

import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as HTTP1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Client as Client2, StreamableHTTPClientTransport as HTTP2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";

const { INTEROP_URL: url, INTEROP_PROGRAM: program, INTEROP_TOKENS: secrets } = process.env;
const tokens = JSON.parse(secrets);
const TOOLS = ["add_task", "complete_task", "delete_task", "list_tasks", "update_task"];
const MODERN = "2026-07-28";

const clients = {
  "SDK 1": { Client: Client1, HTTP: HTTP1, Stdio: Stdio1, options: {} },
  "SDK 2, earlier era": { Client: Client2, HTTP: HTTP2, Stdio: Stdio2, options: {} },
  "SDK 2, later era": { Client: Client2, HTTP: HTTP2, Stdio: Stdio2, options: { versionNegotiation: { mode: { pin: MODERN } } }, modern: true },
};

const over = {
  http: (c, token) => new c.HTTP(new URL(`${url}/mcp`), { requestInit: { headers: { Authorization: `Bearer ${token}` } } }),
  stdio: (c) => new c.Stdio({ command: program, args: ["mcp", "--user", "ann"], env: process.env, stderr: "inherit" }),
};

async function connect(t, c, transport, capabilities = {}) {
  const client = new c.Client({ name: "interop", version: "1" }, { ...c.options, capabilities });
  t.after(() => client.close());
  await client.connect(transport);
  return client;
}

const call = (client, name, args) => client.callTool({ name, arguments: args });

for (const [name, c] of Object.entries(clients)) {
  for (const way of Object.keys(over)) {
    test(`${name} over ${way}`, async (t) => {
      const client = await connect(t, c, over[way](c, tokens.all));
      assert.equal(client.getServerVersion().name, "tandem");

      await t.test("tools", async () => {
        const { tools } = await client.listTools();
        assert.deepEqual(tools.map((x) => x.name).sort(), TOOLS);
        for (const tool of tools) {
          assert.equal(typeof tool.annotations.destructiveHint, "boolean");
          assert.ok(tool.outputSchema, tool.name);
        }
      });

      await t.test("a task from its making to its end", async () => {
        const added = await call(client, "add_task", { title: `Water plants ${name} ${way}`, due: "tomorrow at 9am", tags: ["interop"] });
        assert.equal(added.structuredContent.status, "created");
        const id = added.structuredContent.task_id;
        const listed = await call(client, "list_tasks", { ids: [id] });
        assert.equal(listed.structuredContent.tasks[0].due.time, "09:00");
        assert.equal(JSON.parse(listed.content[0].text)[0].id, id);
        assert.equal((await call(client, "update_task", { task_id: id, priority: "high" })).structuredContent.task.priority, "high");
        assert.equal((await call(client, "complete_task", { task_id: id })).structuredContent.status, "completed");
        assert.equal((await call(client, "delete_task", { task_id: id })).structuredContent.status, "deleted");
      });

      await t.test("refusals are results", async () => {
        const bad = await call(client, "add_task", { title: "x", priority: "purple" });
        assert.deepEqual([bad.isError, bad.structuredContent.error], [true, "invalid"]);
        assert.equal((await call(client, "complete_task", { task_id: 9999 })).structuredContent.error, "not_found");
      });

      await t.test("several deletions wait for a person", async () => {
        const made = await call(client, "add_task", { items: [{ title: `a ${name} ${way}` }, { title: `b ${name} ${way}` }] });
        const ids = made.structuredContent.tasks.map((x) => x.task_id);
        const refused = await call(client, "delete_task", { ids });
        assert.equal(refused.structuredContent.error, "needs_approval");
        assert.equal(refused.structuredContent.details.approval.items.length, 2);
      });

      await t.test("resources and prompts", async () => {
        const { resources } = await client.listResources();
        assert.deepEqual(resources.map((r) => r.uri).sort(), ["tandem://tasks", "tandem://today"]);
        const { resourceTemplates } = await client.listResourceTemplates();
        assert.equal(resourceTemplates[0].uriTemplate, "tandem://tasks/{uid}");
        const read = await client.readResource({ uri: "tandem://tasks" });
        assert.ok(JSON.parse(read.contents[0].text).total_count > 0);
        const { prompts } = await client.listPrompts();
        assert.deepEqual(prompts.map((p) => p.name).sort(), ["plan_my_day", "weekly_review"]);
        assert.equal((await client.getPrompt({ name: "plan_my_day" })).messages.length, 2);
      });
    });
  }

  test(`${name}: a token sees the tools of its scopes`, async (t) => {
    const client = await connect(t, c, over.http(c, tokens.read));
    assert.deepEqual((await client.listTools()).tools.map((x) => x.name), ["list_tasks"]);
    await assert.rejects(call(client, "add_task", { title: "x" }));
  });

  test(`${name}: without a token`, async (t) => {
    const client = new c.Client({ name: "interop", version: "1" }, c.options);
    await assert.rejects(client.connect(over.http(c, "tdm_" + "x".repeat(43))));
    t.after(() => client.close());
  });
}

test("SDK 2, later era: a subscription tells what changed", async (t) => {
  const c = clients["SDK 2, later era"];
  const client = await connect(t, c, over.http(c, tokens.all));
  const heard = new Promise((resolve) => client.setNotificationHandler("notifications/resources/updated", (n) => resolve(n.params.uri)));
  const subscription = await client.listen({ resourceSubscriptions: ["tandem://tasks"] });
  await call(client, "add_task", { title: "Heard of" });
  assert.equal(await heard, "tandem://tasks");
  await subscription.close();
});

test("SDK 2, later era: declining the question takes it back", async (t) => {
  const c = clients["SDK 2, later era"];
  const client = await connect(t, c, over.http(c, tokens.all), { elicitation: { form: {}, url: {} } });
  const asked = [];
  client.setRequestHandler("elicitation/create", (r) => {
    asked.push(r.params);
    return { action: "decline" };
  });
  const made = await call(client, "add_task", { items: [{ title: "kept 1" }, { title: "kept 2" }] });
  const ids = made.structuredContent.tasks.map((x) => x.task_id);
  const answer = await call(client, "delete_task", { ids });
  assert.equal(answer.structuredContent.error, "forbidden");
  assert.equal(asked.length, 1);
  assert.equal(asked[0].mode, "url");
  assert.ok(asked[0].url.startsWith(url), asked[0].url);
  const left = await call(client, "list_tasks", { ids });
  assert.deepEqual(left.structuredContent.tasks.map((x) => x.status), ["pending", "pending"]);
});
