// The notes in MySQL. Settings come from MYSQL_HOST, MYSQL_USER, MYSQL_PASSWORD, MYSQL_DATABASE and,
// if it is not 3306, MYSQL_PORT.

import { setTimeout as sleep } from "node:timers/promises";
import mysql from "mysql2/promise";

const RETRY_FIRST_MS = 500;
const RETRY_LONGEST_MS = 10_000;

const REQUIRED = ["MYSQL_HOST", "MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_DATABASE"];
const missing = REQUIRED.filter((name) => !process.env[name]);
if (missing.length > 0) {
  console.error(`not configured: set ${missing.join(", ")}`);
  process.exit(1);
}

const pool = mysql.createPool({
  host: process.env.MYSQL_HOST,
  port: Number(process.env.MYSQL_PORT || 3306),
  user: process.env.MYSQL_USER,
  password: process.env.MYSQL_PASSWORD,
  database: process.env.MYSQL_DATABASE,
  charset: "utf8mb4",
  connectTimeout: 3_000,
  connectionLimit: 5,
  // Of requests that find no free connection, this many wait; the others fail at once.
  queueLimit: 50,
});

/** Creates the table, again and again until the database is there or `signal` ends the wait. */
export async function prepareDatabase(signal) {
  for (let wait = RETRY_FIRST_MS; !signal.aborted; wait = Math.min(wait * 2, RETRY_LONGEST_MS)) {
    try {
      await pool.query(
        `CREATE TABLE IF NOT EXISTS notes (
           id BIGINT AUTO_INCREMENT PRIMARY KEY,
           text VARCHAR(200) NOT NULL
         ) CHARACTER SET utf8mb4`,
      );
      console.log("the database is ready");
      return;
    } catch (error) {
      console.error(`no database yet: ${error.code ?? error.message}; next try in ${wait} ms`);
      await sleep(wait, undefined, { signal }).catch(() => {});
    }
  }
}

export async function databaseAnswers() {
  try {
    await pool.query("SELECT 1 FROM notes LIMIT 1");
    return true;
  } catch {
    return false;
  }
}

/** The newest notes first, a hundred at most. */
export async function listNotes() {
  const [notes] = await pool.execute("SELECT id, text FROM notes ORDER BY id DESC LIMIT 100");
  return notes;
}

export async function addNote(text) {
  const [result] = await pool.execute("INSERT INTO notes (text) VALUES (?)", [text]);
  return { id: result.insertId, text };
}

export async function closeDatabase() {
  await pool.end();
}
