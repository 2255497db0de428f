import { describe, expect, it } from "vitest";
import { encode } from "../src/core/codec";
import { StaticModel } from "../src/core/model";
import { type Field, gridOver } from "../src/views/field";
import { Flow } from "../src/widgets/flow";
import type { LivePage } from "../src/widgets/livepage";

const nd = (values: number[], shape: number[]) => encode(new Float32Array(values), shape);

describe("the flow in the picture's plane", () => {
  it("stands on a grid over the box", () => {
    expect([...gridOver([1, 0, 9], [2, 1, 9], 2, 2)]).toEqual([0, -0.5, 2, -0.5, 0, 0.5, 2, 0.5]);
  });

  const setup = () => {
    const model = new StaticModel({
      place: { center: nd([1, 2, 3], [3]), basis: nd([0, 0, 1, 1, 0, 0], [2, 3]) },
      scene: { state: { bounds: { center: [0, 0, 0], half: [1, 1, 1] } } },
    });
    const asked: Float64Array[] = [];
    // Each step halves the first unit and adds 1 to the third.
    const run = async (x: Float64Array): Promise<Float64Array> => {
      asked.push(x);
      return Float64Array.from([...x, ...x.map((v, i) => (i % 3 === 0 ? v / 2 : i % 3 === 2 ? v + 1 : v))]);
    };
    const fields: (Field | null)[] = [];
    const page = { ready: true, run } as unknown as LivePage;
    return { asked, fields, page, flow: new Flow(model as never, page, (f) => fields.push(f)) };
  };

  it("is one step of the network, seen along both axes", async () => {
    const { flow, fields, asked } = setup();
    flow.moved(); // not shown: nothing is computed
    expect(asked.length).toBe(0);
    flow.turn(true);
    await new Promise((done) => setTimeout(done));
    const { at, by } = fields[0] as Field;
    expect(by.length).toBe(at.length);
    for (let k = 0; k < at.length / 2; k++) {
      expect(asked[0][3 * k + 2]).toBeCloseTo(3 + at[2 * k], 6);
      expect(asked[0][3 * k]).toBeCloseTo(1 + at[2 * k + 1], 6);
      expect(by[2 * k]).toBeCloseTo(1, 6);
      expect(by[2 * k + 1]).toBeCloseTo(-(1 + at[2 * k + 1]) / 2, 6);
    }
    flow.turn(false);
    expect(fields[1]).toBeNull();
  });

  it("is computed for the last of many changes", async () => {
    const { flow, asked } = setup();
    flow.turn(true);
    for (let k = 0; k < 20; k++) flow.moved();
    await new Promise((done) => setTimeout(done, 5));
    expect(asked.length).toBe(2);
  });

  it("waits until the page can compute", () => {
    const { flow, page, asked } = setup();
    page.ready = false;
    flow.turn(true);
    expect(asked.length).toBe(0);
  });
});
