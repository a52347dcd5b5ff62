// Writing a template: the look, the examples and the rules follow what is typed; the server draws them.
(() => {
  "use strict";
  const form = document.querySelector("[data-preview]");
  if (!form) return;
  let timer = 0, asked = null;

  const part = (root, name) => root.querySelector(`[data-part="${name}"]`);
  const draw = async () => {
    asked?.abort();
    asked = new AbortController();
    const given = new FormData(form);
    given.delete("header_file");
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: given, signal: asked.signal });
      if (!answer.ok) return;
      const drawn = document.createElement("div");
      drawn.innerHTML = await answer.text();
      for (const name of ["bubble", "rules"]) part(form, name).replaceWith(part(drawn, name));
      // Fields in which somebody types stay: they are drawn anew only when the variables are others.
      const before = part(form, "examples"), after = part(drawn, "examples");
      if (before.dataset.variables !== after.dataset.variables) before.replaceWith(after);
    } catch (error) {
      if (error.name !== "AbortError") return;
    }
  };

  const count = (field) => {
    const most = Number(field.dataset.most), left = most - field.value.length;
    let told = field.parentElement.querySelector(".letters");
    if (!told) {
      told = document.createElement("p");
      told.className = "hint letters number";
      field.after(told);
    }
    told.textContent = `${field.value.length} / ${most}`;
    told.classList.toggle("tone-bad", left < 0);
  };
  const fit = () => {
    const kind = form.elements.header_kind.value;
    for (const field of form.querySelectorAll("[data-header]")) field.hidden = !field.dataset.header.split(" ").includes(kind);
    for (const row of form.querySelectorAll(".button-row")) {
      const chosen = row.querySelector("select").value;
      row.querySelector(".button-more").hidden = !chosen || chosen === "QUICK_REPLY";
      row.querySelector(".button-example").hidden = chosen !== "URL";
    }
  };

  form.addEventListener("input", (event) => {
    if (event.target.id === "name") {
      const at = event.target.selectionStart;
      event.target.value = event.target.value.toLowerCase().replace(/[^a-z0-9_]+/g, "_");
      event.target.setSelectionRange(at, at);
    }
    if (event.target.dataset.most) count(event.target);
    fit();
    clearTimeout(timer);
    timer = setTimeout(draw, 350);
  });
  for (const field of form.querySelectorAll("[data-most]")) count(field);
  fit();
})();
