/* Affidavit tag: direct tracking without a redirect.
   <script async src="https://TRACKING-HOST/static/tag/affidavit.js" data-link="aff"></script>
   A visit to /landing?aff=ana-shop&sub1=x registers a click on the link ana-shop. A visit that came through a
   redirect brings click_id along, which is kept. Forms get it in <input name="click_id">; code asks
   Affidavit.ready(function (id) { ... }) or Affidavit.clickId(). Where storage is blocked the page still has it.
   Consent: data-consent="granted|denied|required", Affidavit.consent("granted"), a platform of the IAB framework
   (__tcfapi) and Google's consent mode are heeded. Without consent nothing is stored or read on the device. */
(function (window, document) {
  "use strict";
  var script = document.currentScript || document.querySelector("script[src*='tag/affidavit.js']");
  var host = new URL(script.src).origin;
  var data = script.dataset;
  var linkName = data.link || "aff";
  var idName = data.clickId || "click_id";
  var days = +data.days || 90;
  var CLICK = "affidavit_click", VISITOR = "affidavit_visitor", LAST = "affidavit_last";
  var memory = {}, waiting = [], current = "", query = new URLSearchParams(location.search);
  var said = data.consent === "required" ? "" : data.consent || "", framework = null, server = true;

  // Google's consent mode, as pages put it into the data layer: the last word on each subject counts.
  function mode() {
    var found = {}, layer = window.dataLayer || [];
    for (var i = 0; i < layer.length; i++)
      if (layer[i] && layer[i][0] === "consent" && /^(default|update)$/.test(layer[i][1]))
        for (var key in layer[i][2]) {
          found[key] = layer[i][2][key];
          // A default is what holds until the visitor has decided.
          if (key === "ad_storage" || key === "ad_user_data")
            found.refused = layer[i][1] === "update" && found[key] === "denied";
        }
    return found;
  }

  function refused() {
    return !server || (said && said !== "granted") || mode().refused ||
      !!(framework && !framework.undecided && !framework.stores);
  }

  function mayStore() {
    var google = mode();
    if (refused() || (framework && framework.undecided)) return false;
    if (google.ad_storage === "denied" || google.ad_user_data === "denied") return false;
    return !!(said || framework || google.ad_storage) || data.consent !== "required";
  }

  function signals(to) {
    var google = mode(), word = { granted: 1, denied: 0 };
    if (said) to.set("consent", said);
    else if (framework && framework.undecided) to.set("consent", "unknown");
    if (framework && framework.gdpr) to.set("gdpr", framework.gdpr);
    if (framework && framework.text) to.set("gdpr_consent", framework.text);
    if (google.ad_storage in word) to.set("gcs", "G1" + word[google.ad_storage] +
      (google.analytics_storage in word ? word[google.analytics_storage] : "-"));
    if (google.ad_user_data === "denied" && !to.get("consent")) to.set("consent", "denied");
  }

  function read(name) {
    if (!mayStore()) return memory[name] || "";
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

  function write(name, value, seconds) {
    try {
      if (seconds) window.localStorage.setItem(name, value);
      else window.localStorage.removeItem(name);
    } catch (blocked) { /* the cookie may still do */ }
    document.cookie = name + "=" + encodeURIComponent(value) + "; path=/; max-age=" + seconds +
      "; samesite=lax" + (location.protocol === "https:" ? "; secure" : "");
  }

  function keep(name, value) {
    memory[name] = value;
    if (mayStore()) write(name, value, days * 86400);
  }

  // After a decision: what the page knows is stored, or what was stored before is removed.
  function update() {
    var names = [CLICK, VISITOR, LAST], stores = mayStore(), clears = refused();
    for (var i = 0; i < names.length; i++) {
      if (stores && memory[names[i]]) write(names[i], memory[names[i]], days * 86400);
      else if (clears) write(names[i], "", 0);
    }
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

  function register(code) {
    query.delete(linkName);
    if (mayStore()) {
      keep(VISITOR, read(VISITOR) || random());
      query.set("visitor", memory[VISITOR]);
    }
    query.set("referrer", document.referrer);
    signals(query);
    window.fetch(host + "/c/" + encodeURIComponent(code) + ".json?" + query, { credentials: "omit", keepalive: true })
      .then(function (answer) { return answer.ok ? answer.json() : {}; })
      .then(function (body) {
        if (body.may_store === false && mayStore()) {
          server = false;
          update();
        }
        // The same landing address, reloaded, is one click.
        if (body.click_id) keep(LAST, location.search);
        settle(body.click_id);
      })
      .catch(function () { settle(""); });
  }

  // Ask the consent platform, if there is one, and go on with its answer, or after a second without one.
  function platform(next) {
    if (typeof window.__tcfapi !== "function") return next();
    var timer = window.setTimeout(go, 1000), went = false;
    function go() {
      if (went) return;
      went = true;
      window.clearTimeout(timer);
      next();
    }
    framework = { stores: false, undecided: true };
    window.__tcfapi("addEventListener", 2, function (found, ok) {
      if (!ok || !found) return;
      var consents = (found.purpose || {}).consents || {}, interests = (found.purpose || {}).legitimateInterests || {};
      if (found.gdprApplies === false) framework = { stores: true, gdpr: "0" };
      else if (found.eventStatus === "cmpuishown") framework = { stores: false, undecided: true };
      else framework = { stores: !!(consents[1] && (consents[7] || interests[7])), gdpr: "1", text: found.tcString };
      if (went) update();
      go();
    });
  }

  window.Affidavit = {
    clickId: function () { return current; },
    ready: function (call) { if (current) call(current); else waiting.push(call); },
    // "granted" or "denied": stores what the page knows, or removes what was stored.
    consent: function (state) {
      said = state;
      if (state === "granted") server = true;
      update();
    },
    fill: fill
  };

  platform(function () {
    update();
    current = read(CLICK);
    memory[CLICK] = current;
    if (query.get(idName)) settle(query.get(idName));
    else if (query.get(linkName) && !(current && read(LAST) === location.search)) register(query.get(linkName));
    else settle("");
  });
  // A decision that the data layer took in since then.
  window.addEventListener("pagehide", update);
})(window, document);
