// A page that shows work in progress loads itself again, unless somebody is in the middle of something there.
const seconds = Number(document.currentScript.dataset.seconds);
setInterval(() => {
  const busy = document.activeElement?.matches("input, select, textarea") || document.querySelector("details[open], dialog[open]");
  if (!busy && !document.hidden) location.reload();
}, seconds * 1000);
