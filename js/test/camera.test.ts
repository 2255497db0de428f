import { describe, expect, it } from "vitest";
import { IDENTITY, drag, initialCamera, multiply, orthonormalize, projector, rotationX, rotationY, transpose, zoomAt } from "../src/core/camera";

const bounds = { center: [1, 2, 3] as const, half: [1, 2, 2] as const };
const view = { width: 400, height: 300, margin: 40 };

describe("camera", () => {
  it("shows the centre in the middle", () => {
    for (const dim of [2, 3]) {
      const [x, y] = projector(initialCamera(dim), bounds, view, dim).project(1, 2, 3);
      expect([x, y]).toEqual([200, 150]);
    }
  });

  it("fills the frame with the bounds in two dimensions", () => {
    const p = projector(initialCamera(2), bounds, view, 2);
    expect(p.project(0, 0, 3).slice(0, 2)).toEqual([40, 260]);
    expect(p.project(2, 4, 3).slice(0, 2)).toEqual([360, 40]);
  });

  it("fits the box into the frame however it is turned, and fills it one way", () => {
    for (const [width, height] of [[640, 320], [600, 430], [900, 430], [1600, 430], [320, 500]])
      for (let k = 0; k < 30; k++) {
        const p = projector(drag(initialCamera(3), 37 * k, -23 * k), bounds, { width, height, margin: 50 }, 3);
        const corners = [-1, 1].flatMap((a) => [-1, 1].flatMap((b) => [-1, 1].map((c) => p.project(1 + a, 2 + 2 * b, 3 + 2 * c))));
        const [left, right] = [Math.min(...corners.map((c) => c[0])), Math.max(...corners.map((c) => c[0]))];
        const [top, bottom] = [Math.min(...corners.map((c) => c[1])), Math.max(...corners.map((c) => c[1]))];
        expect(Math.min(left, top)).toBeGreaterThanOrEqual(50 - 1e-9);
        expect(right).toBeLessThanOrEqual(width - 50 + 1e-9);
        expect(bottom).toBeLessThanOrEqual(height - 50 + 1e-9);
        expect(Math.max((right - left) / (width - 100), (bottom - top) / (height - 100))).toBeCloseTo(1, 9);
      }
  });

  it("keeps lengths when it rotates", () => {
    const camera = drag(initialCamera(3), 123, -77);
    const p = projector(camera, bounds, view, 3);
    const [a, b] = [p.project(1, 2, 3), p.project(2, 4, 5)];
    const length = Math.hypot((b[0] - a[0]) / p.scale, (b[1] - a[1]) / p.scale, b[2] - a[2]);
    expect(length).toBeCloseTo(3, 10);
  });

  it("undoes the projection in the plane that faces the viewer", () => {
    for (const dim of [2, 3]) {
      const p = projector(drag(initialCamera(dim), dim === 3 ? 40 : 0, 0), bounds, view, dim);
      const back = p.unproject(231, 90);
      const [x, y] = p.project(...back);
      expect(x).toBeCloseTo(231, 8);
      expect(y).toBeCloseTo(90, 8);
    }
  });

  it("stays a rotation after a thousand drags", () => {
    let camera = initialCamera(3);
    for (let i = 0; i < 1000; i++) camera = drag(camera, 3, -2);
    const product = multiply(camera.rotation, transpose(camera.rotation));
    product.forEach((v, i) => expect(v).toBeCloseTo(IDENTITY[i], 10));
  });

  it("drags back to where it was", () => {
    const camera = drag(drag(initialCamera(3), 50, 0), -50, 0);
    camera.rotation.forEach((v, i) => expect(v).toBeCloseTo(initialCamera(3).rotation[i], 10));
  });

  it("zooms about the pointer", () => {
    const before = projector(initialCamera(2), bounds, view, 2).unproject(300, 80);
    const after = projector(zoomAt(initialCamera(2), 1.7, 100, -70), bounds, view, 2).unproject(300, 80);
    expect(after[0]).toBeCloseTo(before[0], 10);
    expect(after[1]).toBeCloseTo(before[1], 10);
  });

  it("repairs a sheared matrix", () => {
    const bent = multiply(rotationX(0.3), rotationY(1)).map((v, i) => v + 0.01 * i);
    const product = multiply(orthonormalize(bent), transpose(orthonormalize(bent)));
    product.forEach((v, i) => expect(v).toBeCloseTo(IDENTITY[i], 12));
  });
});
