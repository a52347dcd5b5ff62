// One message as it looks on the customer's phone: the business writes on the left, the customer on the right.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export const clock = (at) => new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

const LABELS = {
  image: "Photo", video: "Video", audio: "Voice message", document: "Document", sticker: "Sticker", location: "Location",
  contacts: "Contact", unsupported: "This message cannot be shown here", interactive: "", template: "", text: "", button: "", edit: "",
};

export const summary = (message) =>
  message.status === "deleted" ? "Deleted message" : message.text || LABELS[message.type] || message.type;

function ticks(message) {
  const { status, error } = message;
  if (status === "failed") return make("span", { class: "label" }, `not delivered · ${error.code}`);
  const marks = { accepted: "·", sent: "✓", delivered: "✓✓", read: "✓✓", played: "✓✓" }[status];
  return marks ? make("span", { class: `ticks ${status}`, title: status, "aria-label": status }, marks) : null;
}

function media(message) {
  const { link, mime_type, filename } = message.media;
  if (link && (message.type === "image" || message.type === "sticker")) return make("img", { src: link, alt: summary(message), class: "picture" });
    const label = filename || LABELS[message.type] || message.type;
  return make("a", { class: "file", href: link, target: "_blank", rel: "noopener" }, make("span", { dir: "auto" }, label, make("br"), make("small", {}, mime_type)));
}

function buttons(message, tap) {
  if (message.inbound) return [];
  const { content } = message;
  const tapped = (title, answer, small) =>
    make("button", { class: "tap", type: "button", onclick: () => tap({ ...answer, quote: message.id }) }, title, small ? make("small", {}, small) : "");
  if (message.type === "interactive" && content.type === "button")
    return content.action.buttons.map(({ reply }) => tapped(reply.title, { type: "interactive", interactive: { type: "button_reply", button_reply: reply } }));
  if (message.type === "interactive" && content.type === "list")
    return content.action.sections.flatMap((section) => section.rows.map((row) =>
      tapped(row.title, { type: "interactive", interactive: { type: "list_reply", list_reply: row } }, row.description)));
  if (message.type === "interactive" && content.type === "cta_url")
    return [make("a", { class: "tap", href: content.action.parameters?.url, target: "_blank", rel: "noopener" }, content.action.parameters?.display_text ?? "Open")];
  if (message.type === "template")
    return (message.buttons ?? []).map(({ text, payload, url }) => url
      ? make("a", { class: "tap", href: url, target: "_blank", rel: "noopener" }, text)
      : tapped(text, { type: "button", button: { text, payload } }));
  return [];
}

export function bubble(message, { quoted, tap, act }) {
  const element = make("article", {
    class: ["bubble", message.inbound ? "mine" : "", message.status === "failed" ? "failed" : "", message.reaction ? "reacted" : ""].join(" "),
    "data-id": message.id,
  });
  if (message.quoted) element.append(make("div", { class: "quoted", dir: "auto" }, quoted ? summary(quoted) : "Quoted message"));
  if (message.status === "deleted") element.append(make("p", { class: "kind" }, "This message was deleted"));
  else {
    const head = message.header ?? message.content?.header?.text;
    if (head) element.append(make("p", { class: "head", dir: "auto" }, head));
    if (message.media) element.append(media(message));
    if (!message.text && !message.media) element.append(make("p", { class: "kind" }, LABELS[message.type] || message.type));
    if (message.type === "location") element.append(make("p", { class: "kind" }, "Location"));
    element.append(make("p", { class: "text", dir: "auto" }, message.text));
    const foot = message.footer ?? message.content?.footer?.text;
    if (foot) element.append(make("p", { class: "foot", dir: "auto" }, foot));
  }
  element.append(make("div", { class: "meta" }, make("time", {}, clock(message.at)), ticks(message)));
  if (message.error) element.title = message.error.title;
  element.append(...buttons(message, tap));
  if (message.reaction) element.append(make("span", { class: "reaction" }, message.reaction));
  element.append(make("button", { class: "plain act", type: "button", "aria-label": "Message actions", onclick: (event) => act(message, event.currentTarget) }, "⌄"));
  element.addEventListener("dblclick", () => act(message, null));
  return element;
}
