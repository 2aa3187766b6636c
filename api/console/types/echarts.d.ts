// What the console uses of Apache ECharts.

export function init(box: HTMLElement, theme: null, options: { renderer: "svg" | "canvas" }): Chart;
export interface Chart {
  setOption(option: object, how?: { notMerge?: boolean }): void;
  resize(): void;
  dispose(): void;
  on(event: string, f: (element: any) => void): void;
}
