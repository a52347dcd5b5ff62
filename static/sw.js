// Installed on a phone: keeps the shell (styles, scripts, drawings) and a page for when there is no line.
// Nothing private is ever kept: pages, answers and files of messages always come from the server, or not at all.
const SHELL = "majlis-shell-1";
const OFFLINE = "/static/offline.html";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll([OFFLINE, "/static/favicon.svg"])).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name)))).then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const request = event.request, address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE)));
    return;
  }
  if (!address.pathname.startsWith("/static/")) return;
  // What is kept is shown at once, and made new for the next time.
  event.respondWith(
    caches.open(SHELL).then(async (cache) => {
      const kept = await cache.match(request);
      const fresh = fetch(request).then((answer) => {
        if (answer.ok) cache.put(request, answer.clone());
        return answer;
      });
      if (!kept) return fresh;
      event.waitUntil(fresh.catch(() => {}));
      return kept;
    }),
  );
});
