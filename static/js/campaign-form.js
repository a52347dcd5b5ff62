// Writing a campaign: the bubble follows what is chosen, and a target shows only the questions that it has.
(() => {
  "use strict";
  const form = document.querySelector("[data-campaign-form]");
  if (!form) return;
  let timer = 0, asked = null;
  const draw = async () => {
    asked?.abort();
    asked = new AbortController();
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), signal: asked.signal });
      if (answer.ok) form.querySelector('[data-part="bubble"]').innerHTML = await answer.text();
    } catch { /* the next change draws it */ }
  };
  const fit = () => {
    const chosen = form.elements.target?.value;
    for (const field of form.querySelectorAll("[data-targets]")) field.hidden = !field.dataset.targets.split(" ").includes(chosen);
  };
  form.addEventListener("input", () => { fit(); clearTimeout(timer); timer = setTimeout(draw, 300); });
  fit();
})();
