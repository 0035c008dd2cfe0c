// Small helps on every page: copying, the theme switch, confirmations, tidy filter addresses.
(function () {
  "use strict";
  // Texts come from the page, so that they are in its language.
  var texts = document.currentScript.dataset;

  function announce(text) {
    var box = document.getElementById("announcer");
    if (box) {
      box.textContent = "";
      window.setTimeout(function () {
        box.textContent = text;
      }, 50);
    }
  }

  function copyText(text) {
    if (navigator.clipboard && window.isSecureContext) {
      return navigator.clipboard.writeText(text);
    }
    // Plain http (a test set-up): the clipboard API is closed there.
    var area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.appendChild(area);
    area.select();
    var done = document.execCommand("copy");
    area.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("not copied"));
  }

  function onCopy(button) {
    var label = button.querySelector("[data-copy-text]");
    var before = label ? label.textContent : "";
    copyText(button.dataset.copy).then(
      function () {
        button.classList.add("copied");
        if (label) label.textContent = texts.copied;
        announce(texts.copied);
        window.setTimeout(function () {
          button.classList.remove("copied");
          if (label) label.textContent = before;
        }, 1600);
      },
      function () {
        announce(texts.notCopied);
      }
    );
  }

  function showThemeChoice() {
    var choice = window.affidavitTheme.chosen();
    document.querySelectorAll("[data-theme-choice]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    });
  }

  document.addEventListener("click", function (event) {
    var copy = event.target.closest("[data-copy]");
    if (copy) onCopy(copy);
    var theme = event.target.closest("[data-theme-choice]");
    if (theme) {
      event.stopPropagation();
      window.affidavitTheme.choose(theme.dataset.themeChoice);
    }
    var zone = event.target.closest("[data-browser-zone]");
    if (zone) {
      document.getElementById(zone.dataset.browserZone).value = Intl.DateTimeFormat().resolvedOptions().timeZone;
    }
  });

  document.addEventListener("submit", function (event) {
    var question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  document.addEventListener("themechange", showThemeChoice);
  showThemeChoice();

  document.querySelectorAll("[data-browser-zone]").forEach(function (button) {
    var select = document.getElementById(button.dataset.browserZone);
    var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    var known = Array.prototype.some.call(select.options, function (option) {
      return option.value === zone;
    });
    if (known && select.value !== zone) {
      button.textContent = button.dataset.named.replace("ZONE", zone.replace(/_/g, " "));
      button.hidden = false;
    }
  });

  // An address names only the filters that are set, and keeps the order that the reader chose.
  document.body.addEventListener("htmx:configRequest", function (event) {
    if (!event.detail.elt.matches("form")) return;
    var parameters = event.detail.parameters;
    Object.keys(parameters).forEach(function (name) {
      if (parameters[name] === "") delete parameters[name];
    });
    var sort = new URLSearchParams(window.location.search).get("sort");
    if (sort && event.detail.elt.matches(".filters")) parameters.sort = sort;
  });

  document.body.addEventListener("htmx:afterSwap", function (event) {
    var count = event.detail.target.querySelector(".listing-head > span");
    if (count) announce(count.textContent.trim());
  });

  document.body.addEventListener("htmx:responseError", function () {
    announce(texts.notLoaded);
  });
})();
