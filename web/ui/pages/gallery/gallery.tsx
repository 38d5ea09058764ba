import { Badge, Button, Frame } from "../../kit";

export function GalleryPage() {
  return <Frame entries={[]}><Badge>draft</Badge><Button>One</Button></Frame>;
}
