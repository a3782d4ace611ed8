// Keeps a page up to date: when the stream says that something has changed, the page is asked for again
// and its content exchanged. The answer comes as a document, so no text is ever made markup here.
"use strict";
(() => {
  const wanted = (document.body.dataset.live || "").split(" ").filter(Boolean);
  if (wanted.length === 0 || !window.EventSource) return;
  const sign = document.getElementById("updates");
  let loading = false;
  let again = false;

  const show = (on) => {
    sign.hidden = false;
    sign.classList.toggle("off", !on);
    sign.textContent = on ? "live" : "reconnecting";
  };

  // What somebody is doing is not taken from under their hands.
  const busy = () => {
    const at = document.activeElement;
    return (at && at.matches("input, select") && document.getElementById("main").contains(at)) ||
      String(document.getSelection()) !== "";
  };

  const exchange = (next) => {
    const main = document.getElementById("main");
    const fresh = next.getElementById("main");
    if (!fresh) return;
    for (const open of main.querySelectorAll("details[open][id]")) {
      const same = fresh.querySelector("#" + CSS.escape(open.id));
      if (same) same.open = true;
    }
    const scrolled = [...main.querySelectorAll(".scroll, .log, .stack")].map((e) => [e.scrollLeft, e.scrollTop]);
    main.replaceChildren(...fresh.childNodes);
    [...main.querySelectorAll(".scroll, .log, .stack")].forEach((e, at) => {
      if (scrolled[at]) [e.scrollLeft, e.scrollTop] = scrolled[at];
    });
    const nav = document.querySelector(".top nav");
    const freshNav = next.querySelector(".top nav");
    if (freshNav && !nav.contains(document.activeElement)) nav.replaceChildren(...freshNav.childNodes);
    document.title = next.title;
  };

  const refresh = () => {
    if (loading || busy()) {
      again = true;
      return;
    }
    loading = true;
    again = false;
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.onloadend = () => {
      loading = false;
      const page = request.response;
      if (request.status === 200 && page && page.body && page.body.dataset.live !== undefined) exchange(page);
      else if (page && page.body && page.body.classList.contains("login")) location.reload();
      if (again) setTimeout(refresh, 200);
    };
    request.send();
  };

  setInterval(() => { if (again && !loading) refresh(); }, 1000);
  const stream = new EventSource("/events");
  stream.onopen = () => { show(true); refresh(); };
  stream.onerror = () => show(false);
  for (const event of wanted) stream.addEventListener(event, refresh);
})();
