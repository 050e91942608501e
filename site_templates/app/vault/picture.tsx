/** Draws decoded pixels on a canvas; no address of a patient's image ever exists. */

import { useEffect, useRef } from "preact/hooks";
import type { Thumbnail } from "../shared/messages";

interface Props {
  readonly picture: Thumbnail;
  readonly label: string;
  readonly class: string;
}

export function Picture({ picture, label, class: className }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const image = new ImageData(picture.rgba, picture.width, picture.height);
    canvas.current?.getContext("2d")?.putImageData(image, 0, 0);
  }, [picture]);
  const role = label ? ({ role: "img", "aria-label": label } as const) : { "aria-hidden": true };
  return <canvas ref={canvas} class={className} width={picture.width} height={picture.height} {...role} />;
}
