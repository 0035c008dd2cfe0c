// Chooses light or dark before anything is painted. The choice is kept on this device only.
(function () {
  "use strict";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return localStorage.getItem("affidavit-theme") || "auto";
    } catch (refused) {
      return "auto";
    }
  }

  function apply() {
    var choice = chosen();
    var theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    document.documentElement.setAttribute("data-bs-theme", theme);
    document.dispatchEvent(new CustomEvent("themechange", { detail: { choice: choice, theme: theme } }));
  }

  dark.addEventListener("change", apply);
  window.affidavitTheme = {
    chosen: chosen,
    choose: function (choice) {
      try {
        localStorage.setItem("affidavit-theme", choice);
      } catch (refused) {
        // Without storage the choice holds for nothing; the system's preference stays.
      }
      apply();
    },
  };
  apply();
})();
