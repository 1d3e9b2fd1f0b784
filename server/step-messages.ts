// What is to be sent of a step of the engine beside new alerts: messages of groups, as their alerts stand when they leave, and short ones
// where events that came late changed an alert that was sent. Read from what is stored, before the step is: the step's commit queues
// them, so a kill sends all or none of it again.
import { followUpNotification, groupNotificationsOf, notificationIdOf } from '../alerts/notification.ts';
import type { StepResult } from '../engine/engine.ts';
import {
  type Alert,
  type AlertGroup,
  amended,
  type Detection,
  type FollowUp,
  type Notification,
} from '../event/detection.ts';
import type { AlertBookPort, NotificationRecord } from '../store/state/state-port.ts';

/** Detections of an alert that are looked at: of one with more, the first ones. */
const DETECTIONS_MAX = 1_000;
/** Follow-ups of one alert to one channel; what changes more often is to be seen in `vedette alerts show`. */
const FOLLOW_UPS_MAX = 5;
const BECAUSE_MAX = 5;

export interface StepMessages {
  of(step: StepResult): readonly Notification[];
}

export function createStepMessages(options: {
  readonly alerts: Pick<AlertBookPort, 'get' | 'detection' | 'detectionsOf' | 'notificationsOf'>;
  readonly channelNames: readonly string[];
  /** Leaves out channels that cannot be reached. */
  readonly reachable: (all: readonly Notification[]) => readonly Notification[];
}): StepMessages {
  const { alerts, channelNames, reachable } = options;

  const groupMessages = (step: StepResult, group: AlertGroup): readonly Notification[] => {
    const members = group.members.map((member) => {
      const { before, after } = standingOf(step, member.alertId);
      const isWithdrawn = after.length > 0 && after.every(isGone);
      return {
        ...member,
        detections: Math.max(before.length, after.length, 1),
        ...(isWithdrawn ? { isWithdrawn } : {}),
      };
    });
    return reachable(groupNotificationsOf({ ...group, members }, channelNames));
  };

  /** The alert's detections as they are stored, and as they are after the step. */
  const standingOf = (
    step: StepResult,
    alertId: string,
  ): { readonly before: readonly Detection[]; readonly after: readonly Detection[] } => {
    const before = alerts.detectionsOf(alertId, DETECTIONS_MAX);
    const after = new Map(before.map((detection) => [detection.id, detection]));
    for (const amendment of step.amended) {
      const detection = after.get(amendment.detectionId);
      if (detection !== undefined) after.set(detection.id, amended(detection, amendment));
    }
    for (const detection of step.detections) if (detection.alertId === alertId) after.set(detection.id, detection);
    return { before, after: [...after.values()] };
  };

  /** Alerts whose stored detections the step changes. */
  const touchedBy = (step: StepResult): ReadonlySet<string> => {
    const touched = new Set<string>();
    for (const { detectionId } of step.amended) {
      const alertId = alerts.detection(detectionId)?.alertId;
      if (alertId !== undefined) touched.add(alertId);
    }
    for (const { id, isLate, alertId } of step.detections) {
      if (isLate && alertId !== undefined && alerts.detection(id)?.amended !== undefined) touched.add(alertId);
    }
    return touched;
  };

  const followUpsOf = (step: StepResult, alertId: string): readonly Notification[] => {
    const alert = alerts.get(alertId);
    if (alert === undefined) return [];
    const { before, after } = standingOf(step, alertId);
    const change = changeOf(before, after);
    if (change === undefined) return [];
    const ids = new Set(after.map(({ id }) => id));
    const because = step.amended.filter(({ detectionId }) => ids.has(detectionId)).flatMap((one) => one.because);
    const records = alerts.notificationsOf(alertId);
    return toldChannels(alert, records).flatMap(({ channel, inReplyTo }) => {
      const nth = 1 + records.filter((record) => record.channel === channel && record.id !== inReplyTo).length;
      if (nth > FOLLOW_UPS_MAX) return [];
      const followUp: FollowUp = {
        kind: 'follow-up',
        inReplyTo,
        ...change,
        because: [...new Set(because)].slice(0, BECAUSE_MAX),
      };
      return [followUpNotification(alert, { channel, nth }, followUp)];
    });
  };

  /** Channels that were told of the alert, by itself or in a group, and the notification that told them. */
  const toldChannels = (
    { id, group }: Alert,
    records: readonly NotificationRecord[],
  ): readonly { readonly channel: string; readonly inReplyTo: string }[] => {
    const groupId = typeof group === 'object' ? group.groupId : undefined;
    const inGroup = groupId === undefined ? [] : alerts.notificationsOf(groupId);
    return [...records, ...inGroup].flatMap(({ id: told, channel, state }) => {
      const isTelling =
        told === notificationIdOf(id, channel, 'opened') ||
        (groupId !== undefined && told === notificationIdOf(groupId, channel, 'group'));
      return isTelling && state !== 'failed' ? [{ channel, inReplyTo: told }] : [];
    });
  };

  return {
    of(step) {
      const groups = step.groups.flatMap((group) => groupMessages(step, group));
      if (step.amended.length === 0 && !step.detections.some(({ isLate }) => isLate)) return groups;
      return [...groups, ...[...touchedBy(step)].flatMap((alertId) => followUpsOf(step, alertId))];
    },
  };
}

/** What people were told and is otherwise now; undefined where it is as they were told. */
function changeOf(
  before: readonly Detection[],
  after: readonly Detection[],
): Omit<FollowUp, 'kind' | 'inReplyTo' | 'because'> | undefined {
  const [gone, goneBefore] = [after.filter(isGone).length, before.filter(isGone).length];
  const counts = { detections: after.length, withdrawn: gone };
  const wasAllGone = before.length > 0 && goneBefore === before.length;
  if (gone === after.length) return wasAllGone ? undefined : { change: 'withdrawn', ...counts, facts: {} };
  const opening = before.find(({ decision }) => decision === 'opened');
  const now = opening === undefined ? undefined : after.find(({ id }) => id === opening.id);
  const facts = opening === undefined || now === undefined || isGone(now) ? {} : changedFacts(opening, now);
  if (wasAllGone) return { change: 'restored', ...counts, facts };
  const isOther = now !== undefined && !isGone(now) && now.eventId !== opening?.eventId;
  if (gone === goneBefore && !isOther && Object.keys(facts).length === 0) return undefined;
  return { change: 'changed', ...counts, facts };
}

function changedFacts(before: Detection, now: Detection): FollowUp['facts'] {
  const told = new Map(Object.entries(before.found?.facts ?? {}));
  return Object.fromEntries(Object.entries(now.found?.facts ?? {}).filter(([name, value]) => told.get(name) !== value));
}

function isGone({ amended: change }: Detection): boolean {
  return change?.as === 'withdrawn';
}
