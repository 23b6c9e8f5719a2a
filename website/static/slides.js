// Formulas first, since they change how much room a sentence takes; then the slides.
MathJax.startup.promise.then(() => Reveal.initialize({
  width: 1280, height: 720, margin: 0.02, center: false, hash: true, transition: "none",
  slideNumber: "c/t", pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1,
}));
