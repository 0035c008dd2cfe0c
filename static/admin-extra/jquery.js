// In place of Django's jquery.init.js, which takes the global name away: select2's languages may be loaded later.
window.django = { jQuery: jQuery };
