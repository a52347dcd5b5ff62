// Beside the inbox: files on their way, canned replies, notes, reactions, who is here, several at once, the keyboard.
(() => {
  "use strict";

  const inbox = document.querySelector("[data-inbox]"), my = window.majlis.inbox;
  if (!inbox || !my) return;
  const write = () => document.getElementById("write");
  const post = (address, fields) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return fetch(address, { method: "POST", body, headers: { "X-CSRFToken": my.token(), "X-Requested-With": "fetch" } });
  };

  // ── files ──────────────────────────────────────────────────────────────────
  const uploads = new Map();
  const upload = (form) => {
    const file = form.elements.file.files[0], body = new FormData(form), id = form.elements.client_request_id.value;
    const waiting = { id, body: `${file.name}${form.elements.body.value.trim() ? `\n${form.elements.body.value.trim()}` : ""}` };
    form.elements.file.value = "";
    form.elements.body.value = "";
    form.elements.client_request_id.value = my.newRequest();
    my.attached();
    my.keepDraft(form);
    my.bubble(waiting);
    carry(waiting, form.getAttribute("action"), body);
  };
  const carry = (waiting, address, body) => {
    const item = document.getElementById(`request-${waiting.id}`), line = item.querySelector(".upload"), bar = line.querySelector("progress");
    const request = new XMLHttpRequest();
    uploads.set(waiting.id, { request, again: () => carry(waiting, address, body) });
    item.querySelector(".failure").hidden = true;
    line.hidden = false;
    bar.value = 0;
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = 100 * event.loaded / event.total; });
    request.addEventListener("load", () => {
      line.hidden = true;
      if (request.status === 201) {
        uploads.delete(waiting.id);
        item.remove();
        my.merge(request.responseText);
        my.refreshList(200);
        return;
      }
      let problem = { message: my.words.broken };
      try { problem = JSON.parse(request.responseText); } catch { /* not one of ours */ }
      my.refused(waiting, problem.message, request.status >= 400 && request.status < 500 && request.status !== 429);
    });
    request.addEventListener("error", () => { line.hidden = true; my.refused(waiting, my.words.offline, false); });
    request.addEventListener("abort", () => { uploads.delete(waiting.id); item.remove(); });
    request.open("POST", address);
    request.setRequestHeader("X-CSRFToken", my.token());
    request.setRequestHeader("X-Requested-With", "fetch");
    request.send(body);
  };
  // Before the plain writing: the form with a file in it is ours.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id !== "write" || !form.elements.file.files.length || form.classList.contains("is-note")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    upload(form);
  }, true);
  document.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files, form = write();
    if (!form || !files?.length || event.target.id !== "body") return;
    event.preventDefault();
    form.elements.file.files = files;
    my.attached();
  });

  // ── canned replies ─────────────────────────────────────────────────────────
  let offered = [], chosen = 0, asked = 0;
  const list = () => document.getElementById("canned");
  const close = () => { if (list()) { list().hidden = true; list().replaceChildren(); } offered = []; document.getElementById("body")?.removeAttribute("aria-activedescendant"); };
  const show = () => {
    const place = list();
    place.replaceChildren(...offered.map((reply, index) => {
      const item = document.createElement("li"), name = document.createElement("strong"), text = document.createElement("span");
      item.id = `canned-${index}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(index === chosen));
      item.dir = "auto";
      name.textContent = `/${reply.shortcut}`;
      text.textContent = reply.body.slice(0, 120);
      text.dir = "auto";
      item.append(name, text);
      return item;
    }));
    place.hidden = !offered.length;
    if (offered.length) document.getElementById("body").setAttribute("aria-activedescendant", `canned-${chosen}`);
    place.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  };
  const offer = async (form) => {
    const text = form.elements.body.value;
    if (!/^\/\S*$/.test(text)) { close(); return; }
    const turn = ++asked;
    try {
      const answer = JSON.parse(await my.get(`${my.thread().dataset.replies}?q=${encodeURIComponent(text.slice(1))}`));
      if (turn !== asked || !form.elements.body.value.startsWith("/")) return;
      offered = answer.replies;
      chosen = 0;
      show();
      if (!offered.length && text.length > 1) window.majlis.toast(my.words.nothing);
    } catch { /* offline: the slash is just a slash */ }
  };
  const take = (index) => {
    const form = write(), reply = offered[index];
    if (!form || !reply) return;
    form.elements.body.value = reply.body;
    close();
    my.keepDraft(form);
    my.grow(form.elements.body);
    form.elements.body.focus();
  };
  document.addEventListener("input", (event) => { if (event.target.id === "body") { offer(event.target.form); typing(true); } });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "body" || !offered.length) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) chosen = (chosen + step + offered.length) % offered.length;
    else if (event.key === "Enter" || event.key === "Tab") take(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (step) show();
  }, true);

  // ── notes ──────────────────────────────────────────────────────────────────
  const note = (on) => {
    const form = write();
    if (!form) return;
    form.classList.toggle("is-note", on);
    document.getElementById("note-mode").hidden = !on;
    const body = form.elements.body, words = body.placeholder;
    if (on !== (body.dataset.on === "yes")) { body.placeholder = body.dataset.notePlaceholder; body.dataset.notePlaceholder = words; body.dataset.on = on ? "yes" : ""; }
    body.focus();
  };
  document.addEventListener("majlis:written", () => { note(false); typing(false); });

  // ── who is here ────────────────────────────────────────────────────────────
  let told = 0, typed = false, quiet = null, seen = null;
  const here = (fields) => { const address = my.thread()?.dataset.presence; if (address && !document.hidden) post(address, fields).catch(() => {}); };
  const typing = (on) => {
    const form = write();
    if (!form || form.classList.contains("is-note")) return;
    clearTimeout(quiet);
    const now = Date.now();
    // The person sees it for 25 seconds, colleagues for 40: once in 20 is enough.
    if (on && (!typed || now - told > 20000)) { told = now; here({ typing: "1", tell: "1" }); }
    if (!on && typed) here({ typing: "0" });
    typed = on;
    if (on) quiet = setTimeout(() => typing(false), 8000);
  };
  const arrive = () => {
    const now = my.thread()?.dataset.presence;
    if (seen && seen !== now) post(seen, { left: "1" }).catch(() => {});
    seen = now;
    typed = false;
    if (now) here({ typing: "0" });
  };
  setInterval(() => { if (seen) here({ typing: typed ? "1" : "0" }); }, 30000);
  window.addEventListener("pagehide", () => {
    if (!seen) return;
    const body = new FormData();
    body.set("left", "1");
    body.set("csrfmiddlewaretoken", my.token());
    navigator.sendBeacon(seen, body);
  });
  document.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "thread") arrive(); });

  // ── reactions ──────────────────────────────────────────────────────────────
  const react = async (message, emoji) => {
    const answer = await post(`${my.thread().dataset.messages}${message}/reaction/`, { emoji, client_request_id: my.newRequest() }).catch(() => null);
    if (answer?.ok) my.merge(await answer.text());
    else window.majlis.toast(answer ? (await answer.json().catch(() => my.words)).message || my.words.broken : my.words.offline);
  };

  // ── several at once ────────────────────────────────────────────────────────
  const choosing = (on) => {
    inbox.classList.toggle("is-choosing", on);
    document.getElementById("many").hidden = !on;
    if (!on) for (const box of document.querySelectorAll(".choose input")) box.checked = false;
    count();
  };
  const count = () => {
    const place = document.querySelector("[data-chosen]"), number = document.querySelectorAll(".choose input:checked").length;
    place.textContent = place.dataset.words.replace("{count}", number);
    for (const button of document.querySelectorAll("#many button[name=do]")) button.disabled = !number;
  };
  document.addEventListener("change", (event) => { if (event.target.matches(".choose input")) count(); });

  // ── what people press ──────────────────────────────────────────────────────
  document.addEventListener("click", (event) => {
    const pressed = (selector) => event.target.closest(selector);
    const menu = document.querySelector("#messages .reaction-menu");
    let found;
    if ((found = pressed("[data-emoji]"))) { react(menu.dataset.message, found.dataset.emoji); menu.remove(); return; }
    menu?.remove();
    if ((found = pressed("[data-react]"))) {
      if (menu?.dataset.message === found.dataset.react) return;
      const made = document.getElementById("reaction-menu").content.firstElementChild.cloneNode(true);
      made.dataset.message = found.dataset.react;
      found.after(made);
      made.querySelector("button").focus();
    } else if ((found = pressed("[data-unreact]"))) react(found.dataset.unreact, "");
    else if ((found = pressed("#canned li"))) take([...list().children].indexOf(found));
    else if (pressed("[data-note]")) { note(!write().classList.contains("is-note")); found = pressed("details"); if (found) found.open = false; }
    else if (pressed("[data-slash]")) { pressed("details").open = false; write().elements.body.value = "/"; write().elements.body.focus(); offer(write()); }
    else if ((found = pressed("[data-cancel]"))) uploads.get(found.closest("[data-request]").dataset.request)?.request.abort();
    else if ((found = pressed("[data-retry]")) && uploads.has(found.closest("[data-request]").dataset.request)) uploads.get(found.closest("[data-request]").dataset.request).again();
    else if (pressed("[data-choose]")) { found = pressed("details"); if (found) found.open = false; choosing(!inbox.classList.contains("is-choosing")); }
    else if (pressed("[data-keys]")) document.getElementById("keys").showModal();
    else if (inbox.classList.contains("is-choosing") && (found = pressed("a.conversation"))) {
      const box = found.parentElement.querySelector(".choose input");
      event.preventDefault();
      event.stopPropagation();
      box.checked = !box.checked;
      count();
    }
  }, true);
  document.addEventListener("change", (event) => { if (event.target.id === "file") event.target.closest("details").open = false; });

  // ── the keyboard ───────────────────────────────────────────────────────────
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (event.target.id === "body" && write()?.classList.contains("is-note")) note(false);
      else if (event.target.id === "body") event.target.blur();
      document.querySelector("#messages .reaction-menu")?.remove();
      if (inbox.classList.contains("is-choosing")) choosing(false);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
    const rows = [...document.querySelectorAll("a.conversation")];
    const at = rows.findIndex((row) => row === document.activeElement || row.getAttribute("aria-current") === "true");
    const step = { j: 1, k: -1 }[event.key];
    if (step && rows.length) { const row = rows[Math.min(Math.max(at + step, 0), rows.length - 1)]; row.focus(); row.click(); }
    else if (event.key === "r") document.getElementById("body")?.focus();
    else if (event.key === "n") note(true);
    else if (event.key === "?") document.getElementById("keys").showModal();
    else return;
    event.preventDefault();
  });

  if (my.thread()) arrive();
})();
