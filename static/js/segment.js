// The builder of segments: rows of field, operator and value over the JSON of the form, counted while one builds.
document.addEventListener("DOMContentLoaded", () => {
  const root = document.getElementById("segment");
  const json = document.querySelector("[data-segment]");
  if (!root || !json) return;
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const fields = read("segment-fields"), words = read("segment-words");
  const byName = Object.fromEntries(fields.map((field) => [field.name, field]));
  const box = document.getElementById("segment-rows");
  let definition;
  try { definition = JSON.parse(json.value); } catch { return; }
  if (!definition || !Array.isArray(definition.rows)) definition = { match: "all", rows: [] };
  if (!definition.rows.length) definition.rows.push(fresh());
  (json.closest(".field-row") || json).hidden = true;
  root.hidden = false;

  function fresh() { return { field: "unit.status", is: "in", value: [] }; }
  function make(tag, given = {}, ...inside) {
    const node = Object.assign(document.createElement(tag), given);
    node.append(...inside);
    return node;
  }
  function select(label, options, chosen, change) {
    const node = make("select", { className: "segment-input" }, ...options.map(([value, text]) => new Option(text, value)));
    node.setAttribute("aria-label", label);
    node.value = chosen;
    node.addEventListener("change", () => change(node.value));
    return node;
  }
  function button(label, press) {
    const node = make("button", { type: "button", className: "segment-button", textContent: label });
    node.addEventListener("click", press);
    return node;
  }

  function draw(focus) {
    box.replaceChildren(drawGroup(definition, null));
    json.value = JSON.stringify(definition);
    if (focus !== undefined) box.querySelectorAll(".segment-row select")[focus]?.focus();
    ask();
  }
  function changed() { json.value = JSON.stringify(definition); ask(); }

  function drawGroup(group, parent) {
    const node = make("fieldset", { className: "segment-group" });
    node.append(make("legend", { textContent: parent ? words["The conditions of a group"] : words.Conditions, className: "sr-only" }));
    const match = select(words.Conditions, [["all", words["All of these"]], ["any", words["Any of these"]]], group.match, (to) => { group.match = to; changed(); });
    const no = make("input", { type: "checkbox", checked: group.not === true });
    no.addEventListener("change", () => { if (no.checked) group.not = true; else delete group.not; changed(); });
    node.append(make("div", { className: "segment-head" }, match, make("label", {}, no, ` ${words["Not these"]}`)));
    group.rows.forEach((row, at) => node.append(row.rows ? drawGroup(row, group) : drawRow(row, group, at)));
    const tools = make("div", { className: "segment-head" }, button(words["Add a condition"], () => { group.rows.push(fresh()); draw(flat(definition).length - 1); }));
    if (!parent) tools.append(button(words["Add a group"], () => { group.rows.push({ match: "any", rows: [fresh()] }); draw(); }));
    else tools.append(button(words.Remove, () => { parent.rows.splice(parent.rows.indexOf(group), 1); draw(); }));
    node.append(tools);
    return node;
  }
  function flat(group) { return group.rows.flatMap((row) => row.rows ? flat(row) : [row]); }

  function drawRow(row, group, at) {
    const field = byName[row.field], node = make("div", { className: "segment-row" });
    node.append(select(words.Field, fields.map((each) => [each.name, each.label]), row.field, (to) => {
      row.field = to; row.is = byName[to].operators[0][0]; delete row.value;
      if (byName[to].operators[0][2]) row.value = empty(byName[to]);
      draw();
    }));
    node.append(select(words.Operator, field.operators.map(([name, label]) => [name, label]), row.is, (to) => {
      const takes = (name) => field.operators.find(([each]) => each === name)[2];
      const kindChanges = to.endsWith("days") !== row.is.endsWith("days");
      if (!takes(to)) delete row.value;
      else if (!("value" in row) || kindChanges) row.value = empty(field);
      row.is = to;
      draw();
    }));
    if ("value" in row) node.append(valueOf(row, field));
    node.append(button(words.Remove, () => { group.rows.splice(at, 1); if (!definition.rows.length) definition.rows.push(fresh()); draw(); }));
    return node;
  }
  function empty(field) { return ["number", "money", "size", "time"].includes(field.kind) ? "" : []; }

  function valueOf(row, field) {
    if (["choice", "rows", "campaigns"].includes(field.kind)) {
      const node = make("div", { className: "segment-choices" });
      node.setAttribute("role", "group");
      node.setAttribute("aria-label", `${field.label}: ${words.Value}`);
      for (const [value, label] of field.choices) {
        const tick = make("input", { type: "checkbox", checked: row.value.includes(value) });
        tick.addEventListener("change", () => {
          row.value = tick.checked ? [...row.value, value] : row.value.filter((each) => each !== value);
          changed();
        });
        node.append(make("label", {}, tick, ` ${label}`));
      }
      return node;
    }
    const isDays = row.is.endsWith("days");
    const type = field.kind === "time" && !isDays ? "date" : field.kind === "number" || isDays ? "number" : "text";
    const input = make("input", { type, className: "segment-input", value: Array.isArray(row.value) ? row.value.join(", ") : row.value });
    input.setAttribute("aria-label", `${field.label}: ${words.Value}`);
    if (field.kind === "words") {
      input.placeholder = words["separated by commas"];
      if (field.choices.length) {
        const list = make("datalist", { id: `segment-list-${field.name}` }, ...field.choices.map(([value, label]) => new Option(label, value)));
        input.setAttribute("list", list.id);
        input.addEventListener("input", () => keep(row, field, input, isDays));
        return make("span", { className: "segment-value" }, input, list);
      }
    }
    input.addEventListener("input", () => keep(row, field, input, isDays));
    return input;
  }
  function keep(row, field, input, isDays) {
    if (field.kind === "words") row.value = input.value.split(",").map((text) => text.trim()).filter(Boolean);
    else if (field.kind === "number" || isDays) row.value = input.value === "" ? "" : Number(input.value);
    else row.value = input.value;
    changed();
  }

  let waiting, asked = 0;
  function ask() { clearTimeout(waiting); waiting = setTimeout(count, 350); }
  // A condition that still waits for its value is no mistake yet.
  function isWhole(row) { return !("value" in row) || (Array.isArray(row.value) ? row.value.length > 0 : row.value !== ""); }
  async function count() {
    const mine = ++asked;
    if (!flat(definition).every(isWhole)) return show({ ok: false }, { detail: "" });
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(root.dataset.trial, {
      method: "POST", credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ definition }),
    }).catch(() => null);
    if (!answer || mine !== asked) return;
    show(answer, await answer.json());
  }
  function show(answer, found) {
    const problem = document.getElementById("segment-problem");
    problem.hidden = !found.detail;
    problem.textContent = answer.ok ? "" : found.detail;
    document.getElementById("segment-count").textContent = answer.ok ? found.count.toLocaleString() : "–";
    document.getElementById("segment-sentence").textContent = answer.ok ? found.sentence : "";
    document.getElementById("segment-sample").replaceChildren(...(answer.ok ? found.sample : []).map((one) =>
      make("li", {}, make("bdi", { textContent: one.name }), make("span", { textContent: one.number, dir: "ltr", className: "overview-hint" }))));
  }
  draw();
});
