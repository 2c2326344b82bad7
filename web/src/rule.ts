// Says a recurrence rule in a few words, the same ones that the assistant uses.

interface Weekday {
  nth: number;
  day: string;
}

interface Rule {
  freq: string;
  interval: number;
  count: number;
  until: string;
  days: Weekday[];
  monthDays: number[];
  months: number[];
  positions: number[];
  except: string[];
}

const PERIODS: Record<string, string> = { DAILY: "day", WEEKLY: "week", MONTHLY: "month", YEARLY: "year" };
const DAYS: Record<string, string> = { MO: "Mon", TU: "Tue", WE: "Wed", TH: "Thu", FR: "Fri", SA: "Sat", SU: "Sun" };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Gives words such as "every 2 weeks on Mon"; for a rule it cannot read, "repeats". */
export function describeRule(text: string): string {
  const r = read(text);
  return r ? every(r) + onDays(r) + end(r) + exceptions(r) : "repeats";
}

function read(text: string): Rule | null {
  const [rule = "", ...lines] = text.split("\n");
  const part = new Map(rule.split(";").map((p): [string, string] => [p.slice(0, p.indexOf("=")), p.slice(p.indexOf("=") + 1)]));
  const freq = part.get("FREQ") ?? "";
  if (!PERIODS[freq]) return null;
  const list = (name: string): string[] => part.get(name)?.split(",") ?? [];
  return {
    freq,
    interval: Number(part.get("INTERVAL") ?? 1),
    count: Number(part.get("COUNT") ?? 0),
    until: part.get("UNTIL") ?? "",
    days: list("BYDAY").map((d) => ({ nth: Number(d.slice(0, -2)), day: d.slice(-2) })),
    monthDays: list("BYMONTHDAY").map(Number),
    months: list("BYMONTH").map(Number),
    positions: list("BYSETPOS").map(Number),
    except: lines.flatMap((l) => l.replace(/^EXDATE[^:]*:/, "").split(",")),
  };
}

function every(r: Rule): string {
  const period = PERIODS[r.freq] ?? "";
  if (r.interval > 1) return `every ${r.interval} ${period}s`;
  return isEveryWeekday(r) ? "every weekday" : `every ${period}`;
}

const isEveryWeekday = (r: Rule): boolean =>
  r.interval === 1 && r.freq === "WEEKLY" && group(r) === "weekday" && r.positions.length + r.months.length === 0;

function onDays(r: Rule): string {
  const [month] = r.months;
  const [day] = r.monthDays;
  const oneDate = r.days.length + r.positions.length === 0 && r.months.length === 1 && r.monthDays.length === 1;
  if (oneDate && month && day && day > 0) return ` on ${day} ${MONTHS[month - 1]}`;
  const set = describeSet(r);
  const months = r.months.length > 0 ? ` in ${enumerate(r.months.map((m) => MONTHS[m - 1] ?? ""))}` : "";
  return (set ? ` on ${set}` : "") + months;
}

function describeSet(r: Rule): string {
  if (isEveryWeekday(r)) return "";
  const sets = [...(r.days.length > 0 ? [weekdays(r)] : []), ...(r.monthDays.length > 0 ? [monthDays(r)] : [])];
  const set = sets.join(" if that is ");
  if (r.positions.length === 0 || isClamped(r)) return set;
  const which = `the ${enumerate(r.positions.map(nth))}`;
  if (set === "") return `${which} of the days`;
  return group(r) && r.monthDays.length === 0 ? `${which} ${group(r)}` : `${which} of ${set}`;
}

function group(r: Rule): string {
  const days = r.days.map((d) => (d.nth ? "" : d.day)).join();
  if (days === "MO,TU,WE,TH,FR") return "weekday";
  return days === "SA,SU" ? "weekend day" : "";
}

function weekdays(r: Rule): string {
  if (group(r)) return `${group(r)}s`;
  return enumerate(r.days.map((d) => (d.nth ? `the ${nth(d.nth)} ` : "") + (DAYS[d.day] ?? d.day)));
}

function monthDays(r: Rule): string {
  if (isClamped(r)) {
    const last = r.monthDays.at(-1) ?? 31;
    return last < 31 ? `the ${nth(last)} or the last day` : "the last day";
  }
  return enumerate(r.monthDays.map((n) => (n === -1 ? "the last day" : n < 0 ? `the ${nth(n)} day` : `the ${nth(n)}`)));
}

/** The form of "the 31st, or the last day of a shorter month". */
function isClamped(r: Rule): boolean {
  const last = r.monthDays.at(-1) ?? 0;
  const days = Array.from({ length: Math.max(0, last - 27) }, (_, i) => 28 + i);
  return last > 28 && r.days.length === 0 && r.positions.join() === "-1" && r.monthDays.join() === days.join();
}

function end(r: Rule): string {
  if (r.count === 1) return ", once";
  if (r.count > 1) return `, ${r.count} times`;
  return r.until ? `, until ${date(r.until)}` : "";
}

function exceptions(r: Rule): string {
  if (r.except.length === 0) return "";
  return r.except.length === 1 ? `, except ${date(r.except[0] ?? "")}` : `, except ${r.except.length} days`;
}

function date(s: string): string {
  return `${Number(s.slice(6, 8))} ${MONTHS[Number(s.slice(4, 6)) - 1] ?? ""} ${s.slice(0, 4)}`;
}

function nth(n: number): string {
  if (n === -1) return "last";
  if (n < 0) return `${nth(-n)} last`;
  const teen = n % 100 > 10 && n % 100 < 14;
  return `${n}${teen ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th")}`;
}

function enumerate(words: string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1) ?? ""}`;
}
