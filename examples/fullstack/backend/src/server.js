// The HTTP side: routes, health and an orderly stop. The database is database.js' business.

import { createServer } from "node:http";
import { addNote, closeDatabase, databaseAnswers, listNotes, prepareDatabase } from "./database.js";

const PORT = Number(process.env.PORT ?? 3000);
const MAX_BODY_BYTES = 16 * 1024;
const MAX_NOTE_LENGTH = 200;
const STOP_AFTER_MS = 10_000;

class RequestError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const routes = {
  "GET /api/health": async () => {
    const database = await databaseAnswers();
    return [database ? 200 : 503, { status: database ? "ok" : "no database" }];
  },
  "GET /api/notes": async () => [200, { notes: await listNotes() }],
  "POST /api/notes": async (request) => {
    const { text } = await readJson(request);
    if (typeof text !== "string" || text.trim() === "" || text.length > MAX_NOTE_LENGTH) {
      throw new RequestError(400, `text must have 1 to ${MAX_NOTE_LENGTH} characters`);
    }
    return [201, await addNote(text.trim())];
  },
};

async function readJson(request) {
  let body = "";
  request.setEncoding("utf8");
  for await (const chunk of request) {
    body += chunk;
    if (Buffer.byteLength(body) > MAX_BODY_BYTES) throw new RequestError(413, "the body is too large");
  }
  try {
    const value = JSON.parse(body);
    if (value !== null && typeof value === "object") return value;
  } catch {
    // The error below says it.
  }
  throw new RequestError(400, "the body must be a JSON object");
}

async function answer(request) {
  const [path] = request.url.split("?");
  const route = routes[`${request.method} ${path}`];
  if (!route) throw new RequestError(404, "no such route");
  return route(request);
}

function describe(error) {
  if (error instanceof RequestError) return [error.status, { error: error.message }];
  // mysql2 calls an error fatal when the connection is lost or never came about.
  if (error.fatal) return [503, { error: "the database does not answer" }];
  return [500, { error: "internal error" }];
}

const server = createServer(async (request, response) => {
  let status, body;
  try {
    [status, body] = await answer(request);
  } catch (error) {
    [status, body] = describe(error);
    if (status >= 500) console.error(`${request.method} ${request.url}: ${error.message}`);
  }
  // A body that was not read to its end would be taken for the next request on this connection.
  const headers = { "content-type": "application/json" };
  if (!request.complete) headers.connection = "close";
  response.writeHead(status, headers).end(JSON.stringify(body));
});

const stopping = new AbortController();

function stop(signal) {
  if (stopping.signal.aborted) return;
  console.log(`${signal}: finishing ${STOP_AFTER_MS / 1000} s at most`);
  stopping.abort();
  setTimeout(() => process.exit(1), STOP_AFTER_MS).unref();
  server.close(async () => {
    await closeDatabase();
    console.log("stopped");
    process.exit(0);
  });
  server.closeIdleConnections();
}

process.on("SIGTERM", stop);
process.on("SIGINT", stop);

// Serving starts at once, so the health route can say that the database is still missing.
server.listen(PORT, () => console.log(`listening on port ${PORT}`));
await prepareDatabase(stopping.signal);
