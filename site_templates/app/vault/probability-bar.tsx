/** A probability as bar and number, with a mark at the threshold. The number is the text; the bar is decoration. */

import { formatPercent } from "./format";

interface Props {
  readonly p: number;
  readonly threshold: number | null;
  readonly isReported: boolean;
  readonly language: string;
}

export function ProbabilityBar({ p, threshold, isReported, language }: Props) {
  const length = Math.min(1, Math.max(0, p)) * 100;
  return (
    <span class={isReported ? "probability reported" : "probability"}>
      <span class="number">{formatPercent(p, threshold, language)}</span>
      <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="8" />
        <rect class="fill" width={length} height="8" />
        {threshold !== null && ["rim", "mark"].map((name) => (
          <line class={name} key={name} x1={threshold * 100} x2={threshold * 100} y1="0" y2="8" />
        ))}
      </svg>
    </span>
  );
}
