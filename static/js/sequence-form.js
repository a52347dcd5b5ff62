// Writing a sequence: a chosen template brings its questions, and every bubble follows what is typed.
(() => {
  "use strict";
  const form = document.querySelector("[data-sequence-form]");
  if (!form) return;
  let timer = 0, asked = null;
  const drawn = async () => {
    asked?.abort();
    asked = new AbortController();
    const body = new FormData(form);
    body.set("do", "show");
    try {
      const answer = await fetch(location.href, { method: "POST", body, signal: asked.signal });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const bubble of form.querySelectorAll("[data-bubble]")) {
        const fresh = page.querySelector(`[data-bubble="${bubble.dataset.bubble}"]`);
        if (fresh) bubble.replaceChildren(...fresh.childNodes);
      }
    } catch { /* the next change draws it */ }
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(drawn, 300); });
  form.addEventListener("change", event => {
    if (!event.target.name?.endsWith("-template")) return;
    clearTimeout(timer);
    const wish = Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: "show" });
    form.append(wish);
    form.submit();
  });
})();
