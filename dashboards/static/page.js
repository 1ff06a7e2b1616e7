// Lets ECharts take over the pictures of a page. They are the same options that the server drew: this adds what an
// option can't hold, the words of the tooltip, and the size. Without this script a page keeps the server's pictures.
(function () {
  "use strict";

  var narrowest = 470; // below it the picture for phones is taken

  // A tooltip is made of elements: text never becomes markup, and no style stands in it.
  function element(name, text) {
    var e = document.createElement(name);
    e.textContent = text;
    return e;
  }

  function swatch(color) {
    var space = "http://www.w3.org/2000/svg";
    var svg = document.createElementNS(space, "svg");
    var square = document.createElementNS(space, "rect");
    svg.setAttribute("viewBox", "0 0 10 10");
    svg.setAttribute("aria-hidden", "true");
    square.setAttribute("width", "10");
    square.setAttribute("height", "10");
    square.setAttribute("rx", "2");
    square.setAttribute("fill", color);
    svg.appendChild(square);
    return svg;
  }

  function tooltip(points) {
    var box = document.createElement("div");
    box.className = "tip";
    points.forEach(function (p, i) {
      if (i === 0) box.appendChild(element("strong", p.name));
      if (!p.data || !p.data.text) return; // the end of a dotted piece
      var line = document.createElement("div");
      line.appendChild(swatch(p.lineColor || p.color));
      line.appendChild(element("span", p.seriesName));
      line.appendChild(element("b", p.data.text));
      box.appendChild(line);
    });
    return box;
  }

  // The colour of a series rather than of a hollow point.
  function colored(option) {
    return function (points) {
      return tooltip(points.map(function (p) {
        var series = option.series[p.seriesIndex];
        var style = series.lineStyle || series.itemStyle;
        return { name: p.name, seriesName: p.seriesName, data: p.data, lineColor: style.borderColor || style.color };
      }));
    };
  }

  function take(picture) {
    var live = picture.querySelector(".live");
    var options = JSON.parse(picture.querySelector("script").textContent);
    options.forEach(function (option) {
      option.tooltip.className = "tip-box";
      option.tooltip.formatter = colored(option);
    });
    picture.classList.add("is-live");
    live.setAttribute("role", "img"); // ECharts adds the words
    live.style.height = live.dataset.height + "px";
    var chart = echarts.init(live, null, { renderer: "svg" });
    var isNarrow = null;
    function fit() {
      var width = live.clientWidth;
      if (width === 0) return;
      if ((width < narrowest) !== isNarrow) {
        isNarrow = width < narrowest;
        chart.setOption(options[isNarrow ? 1 : 0], { notMerge: true });
      }
      chart.resize();
    }
    fit();
    new ResizeObserver(fit).observe(picture);
  }

  document.querySelectorAll(".picture").forEach(function (picture) {
    try {
      take(picture);
    } catch (reason) {
      picture.classList.remove("is-live"); // the server's picture stays
      console.error(reason);
    }
  });
})();
