// What a page shows wrongly, as a list of sentences: texts that can hardly be read, texts of a chart that are cut or lie on one
// another, and pages that are wider than the screen. It is evaluated in the page, in the medium that is emulated.
(() => {
  const found = [];
  const shown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  // Red, green, blue and opacity of a colour of CSS, each 0-1.
  const parts = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
  };
  // Relative luminance and contrast: Web Content Accessibility Guidelines 2.2.
  const luminance = (colour) => {
    const [red, green, blue] = colour.map((part) =>
      part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  // The colour behind an element: that of the nearest ancestor which has one.
  const behind = (element) => {
    for (let above = element; above; above = above.parentElement) {
      const colour = parts(getComputedStyle(above).backgroundColor);
      if (colour[3] > 0.99) return colour;
    }
    return parts("Canvas");
  };

  const ownText = (element) =>
    [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
      .map((node) => node.data.trim()).join(" ").trim();
  for (const element of document.querySelectorAll("body *")) {
    const text = ownText(element);
    if (!text || !shown(element) || element.closest("style, title, desc")) continue;
    const style = getComputedStyle(element);
    const svg = element.closest("svg");
    const least = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    const ratio = contrast(parts(svg ? style.fill : style.color), behind(svg || element));
    if (ratio < least) found.push(`contrast of ${ratio.toFixed(2)}: ${text}`);
  }

  for (const svg of document.querySelectorAll("svg.ch, svg.mini, figure svg")) {
    if (!shown(svg)) continue;
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].filter(shown)
      .map((text) => [text.textContent.trim(), text.getBoundingClientRect()]);
    texts.forEach(([text, box], index) => {
      if (getComputedStyle(svg).overflow !== "visible" && (box.left < frame.left - 1 || box.right > frame.right + 1
        || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)) found.push(`cut: ${text}`);
      for (const [other, box2] of texts.slice(index + 1)) {
        const wide = Math.min(box.right, box2.right) - Math.max(box.left, box2.left);
        const high = Math.min(box.bottom, box2.bottom) - Math.max(box.top, box2.top);
        // Boxes are higher than their letters.
        if (wide > 2 && high > 0.4 * Math.min(box.height, box2.height)) found.push(`on one another: ${text} / ${other}`);
      }
    });
  }

  const root = document.scrollingElement;
  if (root.scrollWidth > innerWidth) found.push(`${root.scrollWidth} px wide on a screen of ${innerWidth} px`);
  return found;
})()
