const form = document.querySelector("#add");
const list = document.querySelector("#notes");
const message = document.querySelector("#message");

async function call(path, options) {
  const response = await fetch(path, options);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? `the server answered ${response.status}`);
  return body;
}

async function attempt(work) {
  try {
    await work();
    message.textContent = "";
  } catch (error) {
    message.textContent = `Something went wrong: ${error.message}`;
  }
}

async function show() {
  const { notes } = await call("/api/notes");
  list.replaceChildren(
    ...notes.map(({ text }) => Object.assign(document.createElement("li"), { textContent: text })),
  );
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = new FormData(form).get("text");
  attempt(async () => {
    await call("/api/notes", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text }),
    });
    form.reset();
    await show();
  });
});

attempt(show);
