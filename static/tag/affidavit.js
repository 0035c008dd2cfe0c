/* Affidavit tag: direct tracking without a redirect.
   <script async src="https://TRACKING-HOST/static/tag/affidavit.js" data-link="aff"></script>
   A visit to /landing?aff=ana-shop&sub1=x registers a click on the link ana-shop. A visit that came through a
   redirect brings click_id along, which is kept. Forms get it in <input name="click_id">; code asks
   Affidavit.ready(function (id) { ... }) or Affidavit.clickId(). Where storage is blocked the page still has it. */
(function (window, document) {
  "use strict";
  var script = document.currentScript || document.querySelector("script[src*='tag/affidavit.js']");
  var host = new URL(script.src).origin;
  var data = script.dataset;
  var linkName = data.link || "aff";
  var idName = data.clickId || "click_id";
  var days = +data.days || 90;
  var CLICK = "affidavit_click", VISITOR = "affidavit_visitor", LAST = "affidavit_last";
  var memory = {}, waiting = [], current = "";

  function read(name) {
    try {
      var stored = window.localStorage.getItem(name);
      if (stored) return stored;
    } catch (blocked) { /* fall through to the cookie */ }
    var found = ("; " + document.cookie).split("; " + name + "=")[1];
    try {
      if (found) return decodeURIComponent(found.split(";")[0]);
    } catch (malformed) { /* another site's cookie of this name */ }
    return memory[name] || "";
  }

  function keep(name, value) {
    memory[name] = value;
    try { window.localStorage.setItem(name, value); } catch (blocked) { /* the cookie may still do */ }
    document.cookie = name + "=" + encodeURIComponent(value) + "; path=/; max-age=" + days * 86400 +
      "; samesite=lax" + (location.protocol === "https:" ? "; secure" : "");
  }

  function fill() {
    var fields = document.querySelectorAll("input[name='" + idName + "']");
    for (var i = 0; i < fields.length; i++) if (!fields[i].value) fields[i].value = current;
  }

  function settle(id) {
    if (id) {
      current = id;
      keep(CLICK, id);
    }
    if (!current) return;
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", fill);
    else fill();
    while (waiting.length) waiting.shift()(current);
  }

  function random() {
    var bytes = window.crypto.getRandomValues(new Uint8Array(16)), text = "";
    for (var i = 0; i < 16; i++) text += ("0" + bytes[i].toString(16)).slice(-2);
    return text;
  }

  function register(code, query) {
    var visitor = read(VISITOR) || random();
    keep(VISITOR, visitor);
    query.delete(linkName);
    query.set("visitor", visitor);
    query.set("referrer", document.referrer);
    window.fetch(host + "/c/" + encodeURIComponent(code) + ".json?" + query, { credentials: "omit", keepalive: true })
      .then(function (answer) { return answer.ok ? answer.json() : {}; })
      .then(function (body) {
        // The same landing address, reloaded, is one click.
        if (body.click_id) keep(LAST, location.search);
        settle(body.click_id);
      })
      .catch(function () { settle(""); });
  }

  window.Affidavit = {
    clickId: function () { return current; },
    ready: function (call) { if (current) call(current); else waiting.push(call); },
    fill: fill
  };

  var query = new URLSearchParams(location.search);
  current = read(CLICK);
  if (query.get(idName)) settle(query.get(idName));
  else if (query.get(linkName) && !(current && read(LAST) === location.search)) register(query.get(linkName), query);
  else settle("");
})(window, document);
