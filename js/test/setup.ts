// jsdom has neither media queries nor layout.
Object.assign(globalThis, {
  matchMedia: () => ({ matches: false, addEventListener() {}, removeEventListener() {} }),
  ResizeObserver: class {
    observe(): void {}
    disconnect(): void {}
  },
});
export {};
