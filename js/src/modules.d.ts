declare module "*.css" {
  const text: string;
  export default text;
}

declare module "virtual:colormaps" {
  /** Six hexadecimal digits a sample. */
  export const VIRIDIS: string;
  export const RDBU: string;
}
