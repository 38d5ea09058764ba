// The sender of the document on the custom API (S0-48…S0-50), with the server's URL from the environment.
import axios from "axios";

async function sendStairoidsSignal(signalData) {
  const response = await axios.post(`${process.env.SIGNALBOX_URL}/v1/signals`, signalData, {
    headers: {
      Authorization: `Bearer ${process.env.STAIROIDS_API_KEY}`,
      "Content-Type": "application/json",
    },
  });
  return response.data;
}

sendStairoidsSignal({
  type: "demo_requested",
  source: "website",
  account: { domain: "acmecorp.com", name: "Acme Corp" },
  contact: { email: "jane.doe@acmecorp.com", first_name: "Jane", last_name: "Doe" },
  properties: { demo_type: "product_tour", requested_at: new Date().toISOString() },
})
  .then((signal) => console.log("Signal created:", signal.id))
  .catch((error) => {
    console.log("Refused:", error.response?.status, error.response?.data?.error?.code ?? error.message);
    process.exitCode = 1;
  });
