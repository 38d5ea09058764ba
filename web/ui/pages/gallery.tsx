import { lazy } from "./lazy";

/** Gallery is loaded apart: nobody who works needs it. */
export const Gallery = lazy(() => import("./gallery/gallery").then((m) => m.GalleryPage));
