// A spreadsheet as the office sees it: somebody reads and edits it beside the programs that sync it.
import { make } from "/_sandbox/page/bubble.js";

const $ = (id) => document.getElementById(id);
const WINDOW = 160;
const FRESH = 90; // seconds for which a change is tinted
const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const state = { tab: null, from: 1, data: null, row: 1, column: 0, editing: false, reveal: false };
const body = document.querySelector("tbody");
const head = document.querySelector("thead tr");
const grid = $("grid");

const letters = (index) => {
  let text = "";
  for (index += 1; index; index = Math.floor((index - 1) / 26)) text = String.fromCharCode(65 + ((index - 1) % 26)) + text;
  return text;
};
const cellName = (row, column) => `${letters(column)}${row}`;
const current = () => state.data?.tabs.find((tab) => tab.id === state.data.tab);
const line = (row) => state.data?.lines[row - state.data.from];

async function ask(path, content, method = content === undefined ? "GET" : "POST") {
  const answer = await fetch(`/_sandbox/sheets/${path}`, { method, body: content === undefined ? undefined : JSON.stringify(content) });
  const data = await answer.json();
  if (!answer.ok) { toast(data.error.replace(/^\w+: /, "")); throw new Error(data.error); }
  return data;
}

function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").hidden = true; }, 4500);
}

async function edit(...ops) {
  await ask(`spreadsheets/${encodeURIComponent(id)}/people`, { by: $("who").value.trim(), ops: ops.map((op) => ({ tab: current()?.title, ...op })) });
  await load();
}

// ── looking ──
async function load(force = true) {
  const query = new URLSearchParams({ from: state.from, rows: WINDOW });
  if (state.tab !== null) query.set("tab", state.tab);
  if (!force && state.data) query.set("version", state.data.version);
  const answer = await fetch(`/_sandbox/sheets/spreadsheets/${encodeURIComponent(id)}/window?${query}`).catch(() => null);
  if (!answer) { about("the sandbox is not answering", false); return; }
  if (answer.status === 404 && state.tab !== null) { state.tab = null; state.from = 1; return load(); }
  const data = await answer.json();
  if (answer.status === 404) { missing(data.error); return; }
  if (!answer.ok) { about(data.error, false); return; }
  if (data.unchanged) { about(); tint(); return; }
  state.data = data;
  state.tab = data.tab;
  draw();
}

function missing(text) {
  $("title").textContent = id ? "No such spreadsheet" : "Spreadsheets";
  about(id ? text : "choose one, or make one", false);
  $("empty").textContent = "Nothing to show here. Spreadsheets are made by POST /_sandbox/sheets/spreadsheets, or by the demo.";
  $("empty").hidden = false;
}

const ago = (at) => {
  const gone = Math.max(0, state.data.now - at);
  if (gone < 60) return "just now";
  if (gone < 3600) return `${Math.floor(gone / 60)} min ago`;
  if (gone < 86400) return `${Math.floor(gone / 3600)} h ago`;
  return new Date(at * 1000).toLocaleDateString();
};
const rowHeight = () => parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row"));
const wide = (column) => (column === 0 ? 160 : 138);
const short = (who) => (who.endsWith(".gserviceaccount.com") ? `${who.split("@")[0]} (program)` : who.split("@")[0]);

function about(text, live = true) {
  const last = state.data?.log.at(-1);
  $("about").textContent = text ?? (state.data.deleted ? "in the bin" : last ? `${short(last.who)}: ${last.kind} ${last.ranges.slice(0, 2).join(", ")}, ${ago(last.at)} · version ${state.data.version}` : `version ${state.data.version}`);
  $("about").className = live ? "live" : "";
}

function draw() {
  const { data } = state;
  const tab = current();
  document.title = `${data.title} · sandbox`;
  $("title").textContent = data.title;
  $("empty").hidden = data.lines.some((each) => each.shown.length) || data.from > 1;
  $("empty").textContent = "This tab is empty. Choose a cell and type.";
  about();
  drawTabs();
  const veiled = new Set(tab.hidden_columns);
  const count = tab.hidden_columns.length;
  document.querySelector(".hidden-toggle").hidden = !count;
  document.querySelector(".hidden-toggle span").textContent = `show ${count} hidden ${count === 1 ? "column" : "columns"}`;
  const width = Math.min(tab.columns, Math.max(data.width + 2, 12, state.column + 1));
  const columns = [...Array(width).keys()].filter((column) => state.reveal || !veiled.has(letters(column)));
  state.columns = columns;
  head.closest("table").style.width = `${52 + columns.reduce((sum, column) => sum + wide(column), 0)}px`; // fixed widths need one for all
  head.replaceChildren(make("th", { style: "width:52px" }), ...columns.map((column) => make("th",
    { style: `width:${wide(column)}px`, class: `${veiled.has(letters(column)) ? "veiled" : ""} ${column === state.column ? "on" : ""}`, scope: "col" },
    make("button", { type: "button", "aria-haspopup": "menu", "aria-label": `Column ${letters(column)}`, onclick: (event) => columnMenu(event.currentTarget, column) }, letters(column)))));
  const spacer = (rows) => make("tr", { class: "spacer" }, make("td", { colspan: columns.length + 1, style: `height:${rows * rowHeight()}px` }));
  const hiddenRows = new Set(tab.hidden_rows);
  const shownTo = data.from + data.lines.length - 1;
  const rows = [];
  if (data.from > 1) rows.push(spacer(data.from - 1));
  data.lines.forEach((each, index) => {
    const row = data.from + index;
    if (hiddenRows.has(row) && !state.reveal) return;
    const numbers = new Set(each.numbers);
    rows.push(make("tr", { class: row === 1 ? "head" : "", "data-row": row },
      make("th", { scope: "row", class: `${row === state.row ? "on" : ""} ${hiddenRows.has(row) ? "veiled" : ""}` },
        make("button", { type: "button", "aria-haspopup": "menu", "aria-label": `Row ${row}`, onclick: (event) => rowMenu(event.currentTarget, row) }, String(row))),
      ...columns.map((column) => {
        const text = each.shown[column] ?? "";
        const classes = [numbers.has(column) ? "number" : "", each.typed[column] ? "formula" : "", /^#[A-Z/0!?]+$/.test(text) && text.length > 3 ? "bad" : "", veiled.has(letters(column)) ? "veiled" : ""];
        return make("td", { "data-column": column, class: classes.join(" ").trim(), dir: "auto", title: text.length > 18 ? text : null, role: "gridcell" }, String(text));
      })));
  });
  if (shownTo < tab.rows) rows.push(spacer(tab.rows - shownTo));
  body.replaceChildren(...rows);
  tint();
  select(state.row, state.column, false);
}

function tint() {
  if (!state.data) return;
  state.data.lines.forEach((each, index) => {
    for (const [column, [who, at]] of Object.entries(each.marks)) {
      const fresh = state.data.now - at < FRESH;
      const cell = find(state.data.from + index, Number(column));
      cell?.classList.toggle("sync", fresh && who.endsWith(".gserviceaccount.com"));
      cell?.classList.toggle("theirs", fresh && !who.endsWith(".gserviceaccount.com"));
    }
  });
}

function drawTabs() {
  $("tabs").replaceChildren(...state.data.tabs.map((tab) => make("button", {
    type: "button", "aria-current": String(tab.id === state.data.tab), class: tab.hidden ? "off" : "", dir: "auto",
    onclick: (event) => (tab.id === state.data.tab ? tabMenu(event.currentTarget, tab) : open(tab.id)),
  }, tab.title, tab.id === state.data.tab ? " ▾" : "")));
}

function open(tab) {
  Object.assign(state, { tab, from: 1, row: 1, column: 0 });
  grid.scrollTo(0, 0);
  load();
}

// ── choosing and typing ──
const find = (row, column) => body.querySelector(`tr[data-row="${row}"] td[data-column="${column}"]`);
const held = (row, column) => line(row)?.typed[column] ?? line(row)?.shown[column] ?? "";

function select(row, column, scroll = true) {
  const tab = current();
  if (!tab) return;
  state.row = Math.min(Math.max(1, row), tab.rows);
  state.column = Math.min(Math.max(0, column), tab.columns - 1);
  body.querySelector(".selected")?.classList.remove("selected");
  for (const each of document.querySelectorAll("th.on")) each.classList.remove("on");
  const cell = find(state.row, state.column);
  cell?.classList.add("selected");
  cell?.parentElement.firstElementChild.classList.add("on");
  head.children[state.columns.indexOf(state.column) + 1]?.classList.add("on");
  if (scroll && cell) cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  else if (scroll) grid.scrollTop = (state.row - 4) * rowHeight(); // not loaded yet: scrolling there loads it
  $("where").textContent = cellName(state.row, state.column);
  if (line(state.row) && document.activeElement !== $("typed")) $("typed").value = held(state.row, state.column);
  const mark = line(state.row)?.marks[state.column];
  $("changed").replaceChildren(...(mark ? ["changed by ", make("b", { dir: "auto" }, short(mark[0])), `, ${ago(mark[1])}`] : []));
}

function step(rows, columns) {
  const at = state.columns.indexOf(state.column);
  select(state.row + rows, state.columns[Math.min(Math.max(0, at + columns), state.columns.length - 1)] ?? 0);
}

function startEditing(text) {
  const cell = find(state.row, state.column);
  if (!cell) return;
  state.editing = true;
  const { row, column } = state;
  const input = make("input", { dir: "auto", "aria-label": cellName(row, column), spellcheck: "false" });
  input.value = text ?? held(row, column);
  const before = held(row, column);
  const finish = async (keep, rows, columns) => {
    if (!state.editing) return;
    state.editing = false;
    input.remove();
    cell.classList.remove("editing");
    cell.textContent = line(row)?.shown[column] ?? "";
    grid.focus({ preventScroll: true });
    if (keep && input.value !== String(before)) await edit({ op: "set", cells: { [cellName(row, column)]: input.value } });
    if (rows || columns) step(rows, columns);
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "Enter") finish(true, event.shiftKey ? -1 : 1, 0);
    else if (event.key === "Tab") { event.preventDefault(); finish(true, 0, event.shiftKey ? -1 : 1); }
    else if (event.key === "Escape") finish(false, 0, 0);
  });
  input.addEventListener("blur", () => finish(true, 0, 0));
  cell.replaceChildren(input);
  cell.classList.add("editing");
  input.focus();
}

// ── menus ──
function menu(anchor, items) {
  const box = $("menu");
  box.replaceChildren(...items.filter(Boolean).map((item) => (item === "-" ? make("hr") : make("button", {
    role: "menuitem", type: "button", class: item[2] ?? "", onclick: () => { box.hidden = true; item[1](); },
  }, item[0]))));
  box.hidden = false;
  const at = anchor.getBoundingClientRect();
  box.style.left = `${Math.max(6, Math.min(at.left, innerWidth - box.offsetWidth - 6))}px`;
  box.style.top = `${Math.max(6, at.bottom + box.offsetHeight > innerHeight ? at.top - box.offsetHeight - 4 : at.bottom + 4)}px`;
  box.querySelector("button").focus();
}

function columnMenu(anchor, column) {
  const letter = letters(column);
  const hidden = current().hidden_columns.includes(letter);
  menu(anchor, [
    ["Sort A → Z, from row 2", () => edit({ op: "sort", column: letter })],
    ["Sort Z → A, from row 2", () => edit({ op: "sort", column: letter, descending: true })],
    "-",
    ["Insert a column before", () => edit({ op: "insert_columns", at: letter })],
    ["Insert a column after", () => edit({ op: "insert_columns", at: letters(column + 1) })],
    column > 0 && ["Move to the left", () => edit({ op: "move_columns", at: letter, to: letters(column - 1) })],
    ["Move to the right", () => edit({ op: "move_columns", at: letter, to: letters(column + 2) })],
    "-",
    [hidden ? "Show again" : "Hide", () => edit({ op: hidden ? "show" : "hide", columns: [letter] })],
    ["Delete column " + letter, () => edit({ op: "delete_columns", at: letter }), "bad"],
  ]);
}

function rowMenu(anchor, row) {
  const hidden = current().hidden_rows.includes(row);
  menu(anchor, [
    ["Insert a row above", () => edit({ op: "insert_rows", at: row })],
    ["Insert a row below", () => edit({ op: "insert_rows", at: row + 1 })],
    row > 1 && ["Move up", () => edit({ op: "move_rows", at: row, to: row - 1 })],
    ["Move down", () => edit({ op: "move_rows", at: row, to: row + 2 })],
    "-",
    [hidden ? "Show again" : "Hide", () => edit({ op: hidden ? "show" : "hide", rows: [row] })],
    ["Delete row " + row, () => edit({ op: "delete_rows", at: row }), "bad"],
  ]);
}

function tabMenu(anchor, tab) {
  const index = state.data.tabs.indexOf(tab);
  menu(anchor, [
    ["Rename…", () => { const to = prompt("Name of the tab", tab.title); if (to) edit({ op: "rename_tab", tab: tab.title, to }); }],
    index > 0 && ["Move to the left", () => edit({ op: "reorder_tab", index: index - 1 })],
    index < state.data.tabs.length - 1 && ["Move to the right", () => edit({ op: "reorder_tab", index: index + 1 })],
    state.data.tabs.length > 1 && ["Delete tab", () => edit({ op: "delete_tab" }), "bad"],
  ]);
}

$("more").onclick = (event) => menu(event.currentTarget, [
  ["Rename the spreadsheet…", () => { const to = prompt("Name of the spreadsheet", state.data.title); if (to) edit({ op: "rename_file", to }); }],
  ["Append a row", async () => { await edit({ op: "append", rows: [["New"]] }); toast("A row was added at the end."); }],
  "-",
  ...Object.entries(state.data.shared_with).filter(([, role]) => role !== "owner").map(([email, role]) => [`Stop sharing with ${short(email)} (${role})`, () => edit({ op: "unshare", email }), "bad"]),
  ["Share…", () => { const email = prompt("E-mail address to share with, as an editor"); if (email) edit({ op: "share", email, role: "writer" }); }],
  "-",
  state.data.deleted ? ["Take it out of the bin", () => edit({ op: "restore" })] : ["Move it to the bin", () => edit({ op: "delete" }), "bad"],
]);

// ── listening ──
body.addEventListener("click", (event) => {
  const cell = event.target.closest("td[data-column]");
  if (!cell || event.target.tagName === "INPUT") return;
  select(Number(cell.parentElement.dataset.row), Number(cell.dataset.column));
  grid.focus({ preventScroll: true });
});
body.addEventListener("dblclick", (event) => { if (event.target.closest("td[data-column]")) startEditing(); });
grid.addEventListener("keydown", (event) => {
  if (state.editing || event.target !== grid || !state.data) return;
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Tab: [0, event.shiftKey ? -1 : 1], PageDown: [20, 0], PageUp: [-20, 0] };
  if (moves[event.key]) { if (event.key === "Tab" && ((event.shiftKey && state.column === 0))) return; event.preventDefault(); step(...moves[event.key]); }
  else if (event.key === "Enter" || event.key === "F2") { event.preventDefault(); startEditing(); }
  else if (event.key === "Delete" || event.key === "Backspace") edit({ op: "set", cells: { [cellName(state.row, state.column)]: "" } });
  else if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); $("undo").click(); }
  else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); startEditing(event.key); }
});
$("typed").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.isComposing) { $("typed").blur(); step(1, 0); }
  if (event.key === "Escape") { $("typed").value = held(state.row, state.column); $("typed").blur(); }
});
$("typed").addEventListener("focus", () => { $("typed").dataset.cell = cellName(state.row, state.column); $("typed").dataset.before = $("typed").value; });
$("typed").addEventListener("blur", () => {
  const { cell, before } = $("typed").dataset;
  if (cell && $("typed").value !== before) edit({ op: "set", cells: { [cell]: $("typed").value } });
});
grid.addEventListener("scroll", () => {
  clearTimeout(grid.timer);
  grid.timer = setTimeout(() => {
    const height = rowHeight();
    const first = Math.floor(grid.scrollTop / height) + 1;
    const last = first + Math.ceil(grid.clientHeight / height);
    const { data } = state;
    if (!data || state.editing || (first >= data.from && last <= data.from + data.lines.length - 1) || (last > current().rows && first >= data.from)) return;
    state.from = Math.max(1, first - 60);
    load();
  }, 60);
});
$("undo").onclick = () => ask(`spreadsheets/${encodeURIComponent(id)}/people`, { by: $("who").value.trim(), ops: [{ op: "undo" }] }).then(() => load());
$("add").onclick = async () => { const title = prompt("Name of the new tab", `Sheet${state.data.tabs.length + 1}`); if (title) { await edit({ op: "add_tab", title }); open(state.data.tabs.at(-1).id); } };
$("reveal").onchange = () => { state.reveal = $("reveal").checked; draw(); };
$("who").value = localStorage.getItem("who") || "reem@office.example";
$("who").onchange = () => localStorage.setItem("who", $("who").value.trim());
$("files").onchange = () => { location.href = `/sheets/${encodeURIComponent($("files").value)}`; };
document.addEventListener("pointerdown", (event) => { if (!$("menu").contains(event.target)) $("menu").hidden = true; });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") $("menu").hidden = true; });

async function loadFiles() {
  const { spreadsheets } = await ask("spreadsheets");
  $("files").replaceChildren(...(id ? [] : [make("option", { value: "" }, "Choose…")]), ...spreadsheets.map((file) => make("option", { value: file.id, selected: file.id === id }, file.title)));
  $("files").hidden = id && spreadsheets.length < 2;
}

await loadFiles();
if (id) {
  await load();
  setInterval(() => { if (!document.hidden && !state.editing && document.activeElement !== $("typed")) load(false); }, 1500);
} else missing("");
