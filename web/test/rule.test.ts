import { expect, test } from "vitest";
import { describeRule } from "../src/rule";

test.each([
  ["FREQ=DAILY", "every day"],
  ["FREQ=DAILY;INTERVAL=3;COUNT=5", "every 3 days, 5 times"],
  ["FREQ=DAILY;COUNT=1", "every day, once"],
  ["FREQ=WEEKLY;BYDAY=MO", "every week on Mon"],
  ["FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "every 2 weeks on Mon"],
  ["FREQ=WEEKLY;BYDAY=MO,WE,FR", "every week on Mon, Wed and Fri"],
  ["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"],
  ["FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR", "every 2 weeks on weekdays"],
  ["FREQ=WEEKLY;BYDAY=SA,SU", "every week on weekend days"],
  ["FREQ=MONTHLY;BYMONTHDAY=1,15,-1", "every month on the 1st, the 15th and the last day"],
  ["FREQ=MONTHLY;BYMONTHDAY=22", "every month on the 22nd"],
  ["FREQ=MONTHLY;BYMONTHDAY=-2", "every month on the 2nd last day"],
  ["FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", "every month on the last day"],
  ["FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "every month on the 30th or the last day"],
  ["FREQ=MONTHLY;BYDAY=3FR", "every month on the 3rd Fri"],
  ["FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Fri"],
  ["FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every month on the last weekday"],
  ["FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1", "every month on the 1st of Mon and Tue"],
  ["FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "every month on Fri if that is the 13th"],
  ["FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=6", "every year on 6 May"],
  ["FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "every year on the 4th Thu in Nov"],
  ["FREQ=YEARLY;BYMONTH=3,9", "every year in Mar and Sep"],
  ["FREQ=YEARLY;BYMONTH=3,9;BYSETPOS=-1", "every year on the last of the days in Mar and Sep"],
  ["FREQ=YEARLY;UNTIL=20320101", "every year, until 1 Jan 2032"],
  ["FREQ=DAILY\nEXDATE:20261201T090000", "every day, except 1 Dec 2026"],
  ["FREQ=DAILY\nEXDATE:20261201,20261202", "every day, except 2 days"],
  ["nonsense", "repeats"],
])("%s is said as %s", (rule, words) => {
  expect(describeRule(rule)).toBe(words);
});
