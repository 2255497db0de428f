export function sampledMaps(): string;
