// Draws the overview's charts from the JSON in the page. Colours come from the style sheet, so they follow the theme.
(function () {
  "use strict";
  var holder = document.getElementById("chart-data");
  if (!holder || !window.Chart) return;
  var data = JSON.parse(holder.textContent);
  var charts = [];

  // The style sheet says light-dark(...): only a real property tells which of the two holds.
  var probe = document.createElement("span");
  probe.hidden = true;
  document.body.appendChild(probe);

  function colour(name) {
    probe.style.color = "var(" + name + ")";
    return getComputedStyle(probe).color;
  }

  function base(onTitle) {
    return {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      interaction: { mode: "index", intersect: false },
      layout: { padding: { top: 4 } },
      plugins: {
        legend: { display: false },
        tooltip: {
          backgroundColor: colour("--chart-tip"),
          titleColor: colour("--chart-tip-text"),
          bodyColor: colour("--chart-tip-text"),
          padding: 10,
          cornerRadius: 6,
          boxWidth: 8,
          boxHeight: 8,
          boxPadding: 4,
          usePointStyle: true,
          callbacks: {
            title: function (items) {
              return data.titles[items[0].dataIndex];
            },
            label: onTitle,
          },
        },
      },
      scales: {
        x: {
          stacked: true,
          border: { display: false },
          grid: { display: false },
          ticks: { color: colour("--chart-text"), maxRotation: 0, autoSkip: true, autoSkipPadding: 24 },
        },
        y: {
          stacked: true,
          beginAtZero: true,
          border: { display: false },
          grid: { color: colour("--chart-grid"), drawTicks: false },
          ticks: { color: colour("--chart-text"), padding: 8, maxTicksLimit: 5, precision: 0 },
        },
      },
    };
  }

  function clicks() {
    var options = base(function (item) {
      return " " + item.formattedValue + " " + data.names.clicks;
    });
    options.scales.x.ticks.display = false;
    return {
      type: "line",
      data: {
        labels: data.days,
        datasets: [
          {
            data: data.clicks,
            borderColor: colour("--chart-clicks"),
            backgroundColor: colour("--chart-clicks-fill"),
            pointBackgroundColor: colour("--chart-clicks"),
            borderWidth: 2,
            pointRadius: 0,
            pointHoverRadius: 4,
            tension: 0.3,
            fill: true,
            // Today is not over: its part of the line is dashed.
            segment: {
              borderDash: function (piece) {
                return piece.p1DataIndex === data.days.length - 1 ? [4, 4] : undefined;
              },
            },
          },
        ],
      },
      options: options,
    };
  }

  function bars(values, paint, label) {
    return {
      data: values,
      label: label,
      backgroundColor: paint,
      borderRadius: 2,
      maxBarThickness: 18,
      categoryPercentage: 0.8,
      barPercentage: 0.9,
    };
  }

  function conversions() {
    return {
      type: "bar",
      data: {
        labels: data.days,
        datasets: Object.keys(data.conversions).map(function (status) {
          return bars(data.conversions[status], colour("--chart-" + status), data.names[status]);
        }),
      },
      options: base(function (item) {
        return " " + item.formattedValue + " " + item.dataset.label;
      }),
    };
  }

  function commission(canvas) {
    var series = data.commission.find(function (each) {
      return each.currency === canvas.dataset.currency;
    });
    var format = new Intl.NumberFormat(document.documentElement.lang, {
      minimumFractionDigits: series.places,
      maximumFractionDigits: series.places,
    });
    var options = base(function (item) {
      return " " + format.format(series.amounts[item.dataIndex]) + " " + series.currency;
    });
    options.scales.y.ticks.precision = undefined;
    options.scales.y.ticks.callback = function (value) {
      return new Intl.NumberFormat(document.documentElement.lang, { notation: "compact" }).format(value);
    };
    options.scales.x.ticks.autoSkipPadding = 32;
    return {
      type: "bar",
      data: { labels: data.days, datasets: [bars(series.amounts.map(Number), colour("--chart-money"), series.currency)] },
      options: options,
    };
  }

  // Equal left margins keep the days of the two charts above one another.
  function aligned(configuration) {
    configuration.options.scales.y.afterFit = function (scale) {
      scale.width = 44;
    };
    return configuration;
  }

  function draw() {
    charts.splice(0).forEach(function (chart) {
      chart.destroy();
    });
    window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    window.Chart.defaults.font.size = 11;
    document.querySelectorAll("canvas[data-chart]").forEach(function (canvas) {
      var kind = canvas.dataset.chart;
      var configuration = kind === "clicks" ? aligned(clicks()) : kind === "conversions" ? aligned(conversions()) : commission(canvas);
      charts.push(new window.Chart(canvas, configuration));
    });
  }

  draw();
  document.addEventListener("themechange", draw);
})();
