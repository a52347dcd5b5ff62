// The page of the sandbox: who there is, one person's phone, and the switches. Everything goes through /_sandbox.
import { bubble, clock, make, summary } from "./bubble.js";
import { startPanel } from "./panel.js";

const $ = (id) => document.getElementById(id);
const state = { chats: [], number: "", open: null, chat: null, quote: null, editing: null };

export async function ask(path, body, method = body === undefined ? "GET" : "POST") {
  const answer = await fetch(`/_sandbox/${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  const data = await answer.json();
  if (!answer.ok) { toast(data.error); throw new Error(data.error); }
  return data;
}

export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").hidden = true; }, 4500);
}

function face(element, name, seed) {
  const letters = (name || "?").split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...word][0]).join("");
  const hue = [...seed].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  element.textContent = name ? letters.toUpperCase() : seed.slice(-2);
  element.style.background = `hsl(${hue} 32% 45%)`;
  return element;
}

const shownPhone = (chat) => (chat.wa_id ? `+${chat.wa_id}` : chat.username ? `@${chat.username}` : chat.user_id);
const title = (chat) => chat.name || shownPhone(chat);

function drawChats() {
  const wanted = $("filter").value.trim().toLowerCase();
  const rows = state.chats.filter((chat) => `${chat.name} ${chat.wa_id} ${chat.username} ${chat.user_id}`.toLowerCase().includes(wanted));
  $("chats").replaceChildren(...rows.map((chat) => make("li", {}, make("button", {
    "aria-current": state.open === chat.key ? "true" : "false", onclick: () => openChat(chat.key),
  },
  face(make("span", { class: "face", "aria-hidden": "true" }), chat.name, chat.key),
  make("strong", { dir: "auto" }, title(chat)),
  make("time", {}, chat.active_at ? clock(chat.active_at) : ""),
  make("span", { class: "last", dir: "auto" }, chat.typing ? "typing…" : chat.last ? `${chat.last.inbound ? "You: " : ""}${chat.last.text || "…"}` : shownPhone(chat)),
  chat.unread && state.open !== chat.key ? make("span", { class: "badge" }, String(chat.unread)) : ""))));
  if (!rows.length) $("chats").append(make("li", { class: "empty" }, state.number ? "Nobody has written yet. Press + to become a customer." : "No business number is configured yet."));
}

function drawChat() {
  const { chat } = state;
  $("write").style.visibility = chat ? "visible" : "hidden";
  if (!chat) { $("messages").replaceChildren(make("p", { class: "empty" }, "Choose a customer on the left to hold their phone.")); return; }
  face($("business-face"), chat.business, chat.phone_number_id).style.background = "#ffffff2b";
  $("business").textContent = chat.business;
  $("presence").textContent = chat.typing ? "typing…" : "business account";
  $("playing").textContent = `You hold the phone of \u2068${title(chat)}\u2069 (${shownPhone(chat)}). ${chat.window_open ? "The business may write freely." : "The 24-hour window is closed: the business may send templates only."}${chat.stopped_marketing ? " Promotions are stopped." : ""}`;
  const box = $("messages");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const byId = new Map(chat.messages.map((message) => [message.id, message]));
  let day = "";
  const items = [];
  for (const message of chat.messages.filter(({ type }) => type !== "reaction")) {
    const today = new Date(message.at * 1000).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
    if (today !== day) items.push(make("div", { class: "day" }, (day = today)));
    items.push(bubble(message, { quoted: byId.get(message.quoted), tap: write, act: messageMenu }));
  }
  box.replaceChildren(...items);
  const toEnd = () => { box.scrollTop = box.scrollHeight; };
  if (atEnd || drawChat.last !== chat.key) {
    toEnd();
    for (const picture of box.querySelectorAll("img")) if (!picture.complete) picture.addEventListener("load", toEnd);
  }
  drawChat.last = chat.key;
}

async function loadChats() {
  state.chats = (await ask(`chats?limit=200&phone_number_id=${state.number}`)).chats;
  drawChats();
}

async function loadChat() {
  const key = state.open;
  if (!key) return drawChat();
  const query = `customers/${encodeURIComponent(key)}`;
  let chat = await ask(`${query}/messages?phone_number_id=${state.number}`);
  // Holding the phone with the chat open is reading it.
  if (chat.unread && !document.hidden) {
    await ask(`${query}/read`, { phone_number_id: state.number });
    chat = await ask(`${query}/messages?phone_number_id=${state.number}`);
  }
  if (state.open !== key) return;
  state.chat = chat;
  drawChat();
}

async function openChat(key) {
  state.open = key;
  state.chat = null;
  document.body.dataset.view = "chat";
  quote(null);
  await loadChat();
  drawChats();
  if (matchMedia("(hover: hover)").matches) $("text").focus();
}

async function write(message) {
  if (!state.open) return;
  await ask(`customers/${encodeURIComponent(state.open)}/messages`, { phone_number_id: state.number, ...message });
}

function quote(message, editing = false) {
  state.quote = editing ? null : message;
  state.editing = editing ? message : null;
  $("quote").hidden = !message;
  if (!message) return;
  $("quote").querySelector("b").textContent = editing ? "Edit" : message.inbound ? "You" : state.chat.business;
  $("quote").querySelector("span").textContent = summary(message);
  if (editing) $("text").value = message.text;
  $("text").focus();
}

function menu(anchor, items) {
  const box = $("menu");
  box.replaceChildren(...items.filter(Boolean).map(([label, run]) => make("button", { role: "menuitem", type: "button", onclick: () => { box.hidden = true; run(); } }, label)));
  box.hidden = false;
  const at = anchor.getBoundingClientRect();
  box.style.left = `${Math.max(6, Math.min(at.left, innerWidth - box.offsetWidth - 6))}px`;
  box.style.top = `${at.bottom + box.offsetHeight > innerHeight ? at.top - box.offsetHeight - 4 : at.bottom + 4}px`;
  box.firstElementChild.focus();
}

function messageMenu(message, anchor) {
  if (!anchor) return quote(message);
  const react = (emoji) => [`${emoji}  React`, () => write({ type: "reaction", reaction: { message_id: message.id, emoji } })];
  menu(anchor, [
    ["Reply", () => quote(message)], react("👍"), react("❤️"),
    message.inbound && message.type === "text" && ["Edit", () => quote(message, true)],
    message.inbound && ["Delete for everyone", () => write({ type: "revoke", original: message.id })],
  ]);
}

const PLACE = { latitude: 25.0114, longitude: 55.3786, name: "Akoya Oxygen", address: "Dubailand, Dubai" };
$("attach").onclick = () => menu($("attach"), [
  ["Photo from this computer", () => $("file").click()],
  ["Sample photo", () => write({ type: "image", image: { caption: $("text").value } }).then(clearText)],
  ["Voice message", () => write({ type: "audio" })],
  ["Document", () => write({ type: "document" })],
  ["Location", () => write({ type: "location", location: PLACE })],
  ["Contact", () => write({ type: "contacts", contacts: [{ name: { formatted_name: "Kareem Al Darwani", first_name: "Kareem" }, phones: [{ phone: "+971500004321", wa_id: "971500004321", type: "CELL" }] }] })],
  ["Poll (unsupported by the API)", () => write({ type: "unsupported" })],
]);
$("more").onclick = () => menu($("more"), [
  ["Stop promotions", () => write({ type: "user_preferences", value: "stop" })],
  ["Resume promotions", () => write({ type: "user_preferences", value: "resume" })],
  ["Write STOP", () => write({ type: "text", text: "STOP" })],
  ["Write إلغاء", () => write({ type: "text", text: "إلغاء" })],
  innerWidth <= 1080 && ["Counters and faults", () => document.body.classList.add("panel")],
]);
$("file").onchange = async () => {
  const [file] = $("file").files;
  $("file").value = "";
  if (!file) return;
  const data = await new Promise((resolve) => { const reader = new FileReader(); reader.onload = () => resolve(reader.result); reader.readAsDataURL(file); });
  const kind = file.type.startsWith("image/") ? "image" : file.type.startsWith("video/") ? "video" : "document";
  await write({ type: kind, [kind]: { base64: data.split(",")[1], mime_type: file.type, filename: file.name, caption: $("text").value }, quote: state.quote?.id });
  clearText();
};

function clearText() { $("text").value = ""; $("text").style.height = ""; quote(null); }
$("text").oninput = () => { $("text").style.height = ""; $("text").style.height = `${Math.min($("text").scrollHeight + 2, 120)}px`; };
$("text").onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("write").requestSubmit(); }
  if (event.key === "Escape") quote(null);
};
$("write").onsubmit = async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text || !state.open) return;
  const message = state.editing ? { type: "edit", original: state.editing.id, text } : { type: "text", text, quote: state.quote?.id };
  clearText();
  await write(message);
};
$("quote").querySelector("button").onclick = () => { quote(null); $("text").value = ""; };
$("back").onclick = () => { document.body.dataset.view = "list"; state.open = null; state.chat = null; drawChats(); };
$("close").onclick = () => document.body.classList.remove("panel");
$("filter").oninput = drawChats;
$("number").onchange = () => { state.number = $("number").value; state.open = state.chat = null; loadChats(); drawChat(); };
$("new").onclick = () => { $("person").querySelector("form").reset(); $("person").showModal(); };
$("person").addEventListener("close", async () => {
  if ($("person").returnValue !== "ok") return;
  const form = new FormData($("person").querySelector("form"));
  const phone = String(form.get("phone")).replace(/\D/g, "") || `97150000${String(Date.now() % 10000).padStart(4, "0")}`;
  const key = form.get("hidden") ? `AE.${phone.padStart(15, "1")}` : phone;
  const name = String(form.get("name")).trim();
  const username = form.get("hidden") ? (name || "guest").toLowerCase().replace(/\W+/g, ".") : "";
  await ask(`customers/${key}/messages`, { phone_number_id: state.number, name, username, type: "text", text: "Hello, is the villa in Vardon still available?" });
  await loadChats();
  await openChat(key);
});
document.addEventListener("pointerdown", (event) => { if (!$("menu").contains(event.target)) $("menu").hidden = true; });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") $("menu").hidden = true; });
document.addEventListener("visibilitychange", () => { if (!document.hidden) loadChat(); });

async function loadState() {
  const { accounts } = await ask("state");
  const numbers = accounts.flatMap((account) => account.numbers);
  $("number").replaceChildren(...numbers.map((number) => make("option", { value: number.id }, `${number.verified_name}  ${number.display_phone_number}`)));
  $("number").classList.toggle("single", numbers.length < 2);
  if (!numbers.some(({ id }) => id === state.number)) { state.number = numbers[0]?.id ?? ""; state.open = state.chat = null; }
  $("number").value = state.number;
}

const panel = startPanel({ ask, toast });
async function refresh(changed) {
  if (changed.includes("*")) await loadState();
  await loadChats();
  if (changed.includes("*") || changed.includes(`${state.number}/${state.open}`)) await loadChat();
  await panel.refresh();
}

function listen() {
  const events = new EventSource("/_sandbox/events");
  events.onopen = () => { $("connection").textContent = "live"; $("connection").className = "live"; refresh(["*"]); };
  events.onmessage = (event) => refresh(JSON.parse(event.data));
  events.onerror = () => { $("connection").textContent = "the sandbox is not answering"; $("connection").className = ""; };
}

drawChat();
listen();
