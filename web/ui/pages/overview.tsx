import { PageHead } from "../kit";

export function Overview() {
  return <PageHead title="Overview" />;
}
