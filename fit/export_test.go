package fit

import (
	"encoding/json"

	"signalbox"
)

// Fit reads what a judgement of this model is kept as.
func (m *Model) Fit(j *Judgement) signalbox.Fit {
	var kept struct{ ICPs, Personas []signalbox.Judged }
	if err := json.Unmarshal(j.Append(nil), &kept); err != nil {
		panic(err)
	}
	short := j.Short()
	f := signalbox.Fit{ICP: short.ICP, ICPScore: short.ICPScore, Persona: short.Persona, PersonaScore: short.PersonaScore, At: j.At()}
	personas := map[string]*signalbox.Profile{}
	for _, icp := range m.icps.profiles {
		for _, persona := range icp.personas.profiles {
			personas[persona.Code] = persona.Profile
		}
	}
	for i := range kept.ICPs {
		for _, icp := range m.icps.profiles {
			if icp.Code == kept.ICPs[i].Code {
				f.ICPs = append(f.ICPs, kept.ICPs[i].Verdict(icp.Profile))
			}
		}
	}
	for i := range kept.Personas {
		f.Personas = append(f.Personas, kept.Personas[i].Verdict(personas[kept.Personas[i].Code]))
	}
	return f
}
