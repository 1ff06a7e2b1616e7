package demo

import (
	"math"
	"time"
)

// The questionnaires.
const (
	afterOrder = "after_order"
	afterCase  = "after_case"
	partners   = "partner_panel" // asks on scales of its own
)

// invitation is a customer's invitation to answer.
type invitation struct {
	id, instrument, product, region string
	customer                        *customer
	order                           *order
	service                         *serviceCase
	agent                           *employee
	interaction                     day
	sent                            time.Time
	delivered                       bool
	responded                       time.Time // first answer that was no trial; zero: none
	answers                         map[string]*answer
}

// answer is the last one to a question.
type answer struct {
	at         time.Time
	score      int
	blank      bool
	min, max   int
	markedGood bool // not marked as "don't know"
}

// valid tells whether there is a score on the scale that was asked for.
func (w *answer) valid() bool {
	return !w.blank && w.markedGood && w.score >= w.min && w.score <= w.max
}

// invite asks a customer how it went.
func (a *actor) invite(v *invitation) {
	v.id, v.sent, v.interaction = a.id("I"), a.now, a.today()
	v.delivered = !a.chance(0.045)
	v.answers = map[string]*answer{}
	switch {
	case v.service != nil:
		v.interaction = a.dayOf(v.service.solved)
		if v.service.solved.IsZero() {
			v.interaction = a.today()
		}
	case v.order != nil:
		v.interaction = a.dayOf(v.order.placed)
	}
	if a.chance(0.03) {
		v.instrument = partners
	}
	e := a.event(survey, "survey.invitation_sent", v.id).text("invitation_id", v.id).text("instrument", v.instrument).
		text("customer_id", v.customer.id)
	if v.service != nil {
		e.text("case_id", v.service.id)
	}
	if v.order != nil {
		e.text("order_id", v.order.id)
	}
	e.date("interaction_date", v.interaction).text("product", v.product).text("region", v.region).employee("agent_id", v.agent).
		flag("delivered", v.delivered).send()
	a.surveys = append(a.surveys, v)
	if !v.delivered {
		return
	}
	willing := map[string]float64{afterOrder: 0.3, afterCase: 0.36, partners: 0.5}[v.instrument]
	if a.chance(willing) {
		a.after(time.Minute+days(a.around(2.2, 1.1)), func() { a.respond(v) })
	}
	if a.chance(0.004) { // somebody tries whether the form works
		a.after(time.Minute, func() { a.submit(v, "csat", &answer{min: 1, max: 5, score: 1, markedGood: true}, true) })
	}
}

// respond answers the questions of the form, at one sitting. Some change their
// mind days later: the last answer holds.
func (a *actor) respond(v *invitation) {
	mood := a.mood(v)
	questions := map[string][]string{
		afterOrder: {"csat", "nps"}, afterCase: {"csat", "ces"}, partners: {"csat", "nps"},
	}[v.instrument]
	for i, q := range questions {
		if i > 0 && a.chance(0.12) {
			continue // left the form early
		}
		a.after(time.Duration(i)*20*time.Second, func() { a.submit(v, q, a.answer(v, q, mood), false) })
	}
	if a.chance(0.03) {
		a.after(time.Hour+days(a.rng.Float64()*6), func() { a.submit(v, "csat", a.answer(v, "csat", mood-0.15), false) })
	}
}

// mood is how content the customer is, from 0 to 1. It depends on who served
// them, on the product and on how long they waited.
func (a *actor) mood(v *invitation) float64 {
	mood := 0.81 + 0.15*a.rng.NormFloat64()
	if v.product == "cirrus" {
		mood -= 0.06
	}
	if v.agent != nil {
		mood += 0.02 * float64(int(v.agent.id[len(v.agent.id)-1]-'0')-5) / 2
	}
	if k := v.service; k != nil && (k.replied.IsZero() || k.replied.Sub(k.opened) > 4*time.Hour) {
		mood -= 0.15
	}
	return mood - 0.05*(a.season()-1)
}

func (a *actor) answer(v *invitation, question string, mood float64) *answer {
	w := &answer{min: 1, max: 5, markedGood: true}
	switch {
	case question == "nps" && v.instrument == partners:
		w.max = 10 // from 1: no NPS
	case question == "nps":
		w.min, w.max = 0, 10
	case question == "ces":
		w.max = 7
	case v.instrument == partners:
		w.max = 10
	}
	place := math.Round(float64(w.min) + mood*float64(w.max-w.min) + 0.35*a.rng.NormFloat64())
	w.score = int(min(max(place, float64(w.min)), float64(w.max)))
	switch x := a.rng.Float64(); {
	case x < 0.03:
		w.blank = true
	case x < 0.05:
		w.score = w.max + 1 // the form's code for "does not apply"
	case x < 0.06:
		w.score = w.min - 1
	case x < 0.07:
		w.markedGood = false
	}
	return w
}

func (a *actor) submit(v *invitation, question string, w *answer, trial bool) {
	e := a.event(survey, "survey.response_submitted", v.id).text("response_id", a.id("R")).text("invitation_id", v.id).
		text("question", question).integer("scale_min", w.min).integer("scale_max", w.max)
	if w.blank {
		e.text("answer", "")
	} else {
		e.integer("answer", w.score)
	}
	if !w.markedGood || a.chance(0.5) {
		e.flag("is_valid", w.markedGood)
	}
	if a.chance(0.1) {
		e.text("comment", one(a, []string{"很满意", "等太久", "friendly and quick", "wrong part delivered", "電話打不通"}))
	}
	e.test(trial).send()
	if trial {
		return
	}
	w.at = a.now
	if v.responded.IsZero() {
		v.responded = a.now
	}
	v.answers[question] = w
}
