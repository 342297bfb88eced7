document.querySelectorAll("th button").forEach(function (button, column) {
  button.addEventListener("click", function () {
    const body = document.querySelector("tbody"), cell = button.parentNode;
    const up = cell.getAttribute("aria-sort") === "descending" ? 1 : -1;
    const key = function (row) { return row.cells[column].dataset.key || ""; };
    const rows = Array.from(body.rows).sort(function (a, b) {
      const x = key(a), y = key(b);
      if (x === "" || y === "") return (x === "") - (y === "");
      const number = Number(x) - Number(y);
      return up * (Number.isNaN(number) ? x.localeCompare(y) : number);
    });
    document.querySelectorAll("th").forEach(function (each) { each.removeAttribute("aria-sort"); });
    cell.setAttribute("aria-sort", up > 0 ? "ascending" : "descending");
    body.append.apply(body, rows);
  });
});
