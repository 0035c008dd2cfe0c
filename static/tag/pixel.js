/* Affidavit pixel: reports an event from the advertiser's own page.
   <script async src="https://TRACKING-HOST/pixel.js" data-advertiser="ad_..." data-event-type="purchase"
           data-txid="1001" data-revenue="59.90" data-currency="EUR"></script>
   The click is the one in the page's own address (?click_id=), else the one that the landing page's tag kept;
   data-click-id names another. The advertiser's server remains the truth: its postback of the same event takes the place of what is reported here. */
(function (window, document) {
  "use strict";
  var script = document.currentScript || document.querySelector("script[src*='/pixel.js']");
  var names = { advertiser: "advertiser", eventType: "event_type", txid: "txid", revenue: "revenue",
    currency: "currency", customerId: "customer_id", coupon: "coupon", clickId: "click_id" };
  var query = new URLSearchParams();

  function kept() {
    try {
      var stored = window.localStorage.getItem("affidavit_click");
      if (stored) return stored;
    } catch (blocked) { /* the cookie may still do */ }
    var found = ("; " + document.cookie).split("; affidavit_click=")[1];
    try {
      return found ? decodeURIComponent(found.split(";")[0]) : "";
    } catch (malformed) { return ""; }
  }

  for (var name in names) if (script.dataset[name]) query.set(names[name], script.dataset[name]);
  var click = query.get("click_id") || new URLSearchParams(location.search).get("click_id") || kept();
  if (click) query.set("click_id", click);
  var address = new URL(script.src).origin + "/pixel.gif", image = new Image(), sent = false;
  image.onload = function () { sent = true; };
  image.src = address + "?" + query;
  // A page that is left at once drops its images: a beacon reports it then. What is sent twice is counted once.
  window.addEventListener("pagehide", function () {
    if (!sent && navigator.sendBeacon) sent = navigator.sendBeacon(address, query);
  });
})(window, document);
