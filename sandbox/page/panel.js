// Counters, faults, the clock and the webhooks' health.
import { make } from "./bubble.js";

const $ = (id) => document.getElementById(id);

const SWITCHES = [
  ["Next send: not on WhatsApp", { kind: "error", code: 131026, via: "webhook", times: 1 }],
  ["Next send: rate limit", { kind: "error", code: 130429, times: 1 }],
  ["Next send: time out after taking it", { kind: "timeout", delay: 60, times: 1 }],
  ["Next send: connection torn", { kind: "reset", times: 1 }],
  ["Next 3 sends: 500", { kind: "http", status: 500, times: 3 }],
  ["Token dead for a minute", { kind: "unauthorized", where: "graph", seconds: 60 }],
  ["Slow for a minute", { kind: "slow", delay: 4, seconds: 60 }],
  ["One in five fails", { kind: "error", code: 131000, share: 0.2 }],
];

const COUNTS = [
  ["Messages taken", (summary) => summary.messages.accepted],
  ["Refused", (summary) => Object.values(summary.messages.refused).reduce((sum, count) => sum + count, 0), "bad"],
  ["Delivered", (summary) => summary.statuses.delivered ?? 0],
  ["Read", (summary) => summary.statuses.read ?? 0],
  ["Webhook changes", (summary) => summary.webhooks.changes ?? 0],
  ["Webhooks waiting", (summary) => summary.webhooks.pending],
  ["Retries", (summary) => summary.webhooks.retries ?? 0, "bad"],
  ["Same reference twice", (summary) => summary.biz_opaque_callback_data.accepted_more_than_once.count, "bad"],
];

function described(fault) {
  const what = fault.kind === "error" ? `error ${fault.code}` : fault.kind === "http" ? `HTTP ${fault.status ?? 500}` : fault.kind.replace("_", " ");
  const left = fault.times !== undefined ? `${fault.times} left` : fault.share < 1 ? `${Math.round(fault.share * 100)} %` : "until removed";
  return `${what} · ${fault.where} · ${left}`;
}

export function startPanel({ ask, toast }) {
  async function refresh() {
    const [summary, faults, state, sheets] = await Promise.all([ask("summary"), ask("faults"), ask("state"), ask("sheets/spreadsheets")]);
    $("sheets").replaceChildren(...sheets.spreadsheets.map((sheet) => make("li", {}, make("a", { href: `/sheets/${encodeURIComponent(sheet.id)}`, dir: "auto" }, sheet.title))));
    if (!sheets.spreadsheets.length) $("sheets").append(make("li", {}, "None yet: POST /_sandbox/sheets/spreadsheets"));
    $("counts").replaceChildren(...COUNTS.map(([label, count, bad]) => {
      const value = count(summary);
      return make("div", { class: bad && value ? bad : "" }, make("dt", {}, label), make("dd", {}, value.toLocaleString()));
    }));
    $("active").replaceChildren(...faults.faults.filter((fault) => fault.times !== 0 && !(fault.until < state.now)).map((fault) => make("li", {},
      make("span", {}, described(fault)), make("button", { type: "button", onclick: () => ask(`faults/${fault.id}`, undefined, "DELETE").then(refresh) }, "Remove"))));
    $("clock").textContent = `Here it is ${new Date(state.now * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}. Moving on closes the 24-hour windows.`;
    $("accounts").replaceChildren(...state.accounts.map((account) => make("li", {},
      make("span", {}, account.callback_url || "no callback configured"),
      make("button", { type: "button", onclick: () => shake(account.id) }, "Handshake"))));
  }
  async function shake(account) {
    const { ok, status, detail } = await ask("webhooks/handshake", { account });
    toast(ok ? "The callback answered the challenge." : `Handshake failed (${status ?? "no answer"}). ${detail}`);
  }
  $("faults").replaceChildren(...SWITCHES.map(([label, fault]) => make("button", { type: "button", onclick: () => ask("faults", fault).then(refresh) }, label)));
  for (const button of document.querySelectorAll("[data-advance]"))
    button.addEventListener("click", () => ask("clock", { advance: Number(button.dataset.advance) }).then(refresh));
  return { refresh };
}
