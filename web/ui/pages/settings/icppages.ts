// The pages of ICPs and personas, fetched together when the first of them is shown.

export { AddIcp, AddPersona, IcpPage, PersonaPage } from "./icp";
export { Icps } from "./icps";
