// Comfort only: the page does the same without it. Guesses the time zone, and counts while topics are chosen.
"use strict";
(() => {
  const form = document.getElementById("coupon");
  if (!form) return;

  const here = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  const guess = form.elements.namedItem("zone_guess");
  if (guess) guess.value = here;
  const zone = form.elements.namedItem("timezone");
  if (zone && zone.tagName === "SELECT" && zone.value === "" && here) {
    // A browser may know a zone by an old name that is not on the list; the server understands it.
    if (![...zone.options].some((option) => option.value === here)) zone.add(new Option(here), 1);
    zone.value = here;
  }

  const output = form.querySelector("output[data-papers]");
  if (!output) return;
  const chips = [...form.querySelectorAll("input[name=topics]")];
  const papers = output.dataset.papers.split(" ").map((entry) => {
    const [topics, count] = entry.split(":");
    return [topics === "" ? [] : topics.split(".").map(Number), Number(count)];
  });
  const value = (name) => form.elements.namedItem(name)?.value ?? "";

  // As newsletter/usual.py says it.
  const sentence = (aDay, length, weekly) => {
    const words = output.dataset;
    const say = (unit, number) =>
      number === 1 ? words[`${unit}One`] : words[`${unit}Many`].replace("#", String(number));
    const daily = Math.round(Math.min(aDay, length));
    if (daily && aDay >= 0.95 && !weekly) return say("day", daily);
    const inAWeek = Math.round(weekly ? Math.min(7 * aDay, length) : 7 * aDay);
    if (inAWeek) return say("week", inAWeek);
    return aDay ? words.rare : words.none;
  };

  const count = () => {
    const chosen = new Set(chips.flatMap((chip, number) => (chip.checked ? [number] : [])));
    const found = papers.reduce(
      (sum, [topics, many]) => (chosen.size === 0 || topics.some((one) => chosen.has(one)) ? sum + many : sum),
      0,
    );
    const weekly = !["", "daily", "weekdays"].includes(value("days"));
    output.textContent = sentence(found / Number(output.dataset.days), Number(value("length")), weekly);
  };
  for (const button of form.querySelectorAll("[data-counted]")) button.textContent = button.dataset.counted;
  form.addEventListener("change", count);
  // Also after going back, when the browser has ticked again what was ticked.
  window.addEventListener("pageshow", count);
})();
