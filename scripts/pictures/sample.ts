/** The sites of the pictures, and what becomes of them in a quarter. All of it is made up. */

/** A site that is checked from every place. */
export interface SampleSite {
  name: string;
  url: string;
  group: string;
  /** What its server takes, on a quiet day. */
  ms: number;
  /** Until its certificate ends; it was given for 90. */
  certificateDays: number;
  /** Since when it is checked; left out: for the whole quarter. */
  days?: number;
}

/** Something that happens to a site: from so many days ago, for so many minutes. */
export interface Trouble {
  /** Left out: nothing of the monitor runs, and nobody sees any site. */
  site?: string;
  daysAgo: number;
  minutes: number;
  is: "down" | "degraded" | "unobserved";
  reason?: string;
  /** Left out: a full response came. */
  error?: string;
  /** Where it is seen; left out: everywhere. */
  from?: readonly string[];
  /** What somebody said of it, and whether to the public. */
  notes?: readonly { afterMinutes: number; text: string; isPublic: boolean }[];
  isAcknowledged?: boolean;
}

export const DAYS = 92;

/** Milliseconds to the sites and back. */
export const PLACES: Readonly<Record<string, number>> = {
  "eu-west": 9,
  "us-east": 41,
  "ap-south": 68,
};

const site = (
  group: string,
  name: string,
  url: string,
  ms: number,
  certificateDays: number,
  days?: number,
): SampleSite => ({ group, name, url, ms, certificateDays, days });

export const SITES: readonly SampleSite[] = [
  site("shop", "front page", "https://shop.example/", 48, 61),
  site("shop", "search", "https://shop.example/search?q=lamp", 190, 61),
  site("shop", "basket", "https://shop.example/basket", 85, 61),
  site("shop", "checkout", "https://pay.shop.example/checkout", 130, 9),
  site("shop", "images", "https://img.shop.example/probe.webp", 14, 74, 38),
  site("api", "orders", "https://api.shop.example/v2/orders", 66, 33),
  site("api", "stock", "https://api.shop.example/v2/stock", 41, 33),
  site("api", "sign-in", "https://id.shop.example/.well-known/openid-configuration", 28, 48),
  site("api", "webhooks", "https://hooks.shop.example/health", 22, 48),
  site("content", "help", "https://help.shop.example/", 95, 82),
  site("content", "blog", "https://blog.shop.example/", 160, 19),
  site("content", "feed", "https://blog.shop.example/feed.xml", 60, 19),
  site("partners", "parcels", "https://track.parcels.example/v1/ping", 210, 55),
  site("partners", "card payments", "https://api.cards.example/status", 74, 27),
  site("partners", "maps", "https://tiles.maps.example/1/0/0.png", 31, 70),
];

const status = { is: "down", reason: "status" } as const;
const slow = { is: "degraded", reason: "degraded_response_time_ms" } as const;
const refused = {
  is: "down",
  reason: "connection_refused",
  error: "Nothing listens on port 443",
} as const;

export const TROUBLES: readonly Trouble[] = [
  {
    ...status,
    site: "checkout",
    daysAgo: 14 / 1440,
    minutes: 60,
    notes: [{
      afterMinutes: 8,
      text: "Paying by card fails for most; we are on it with our provider.",
      isPublic: true,
    }],
    isAcknowledged: true,
  },
  { ...slow, site: "search", daysAgo: 38 / 1440, minutes: 90 },
  { ...status, site: "parcels", daysAgo: 0.21, minutes: 26, from: ["ap-south"] },
  { is: "unobserved", daysAgo: 0.42, minutes: 35 },
  {
    ...refused,
    site: "orders",
    daysAgo: 5.3,
    minutes: 47,
    notes: [
      { afterMinutes: 6, text: "Orders cannot be placed. We know why.", isPublic: true },
      {
        afterMinutes: 21,
        text: "Disk of db-2 full: the log of last night's import",
        isPublic: false,
      },
      { afterMinutes: 50, text: "Orders are taken again; none was lost.", isPublic: true },
    ],
    isAcknowledged: true,
  },
  { ...slow, site: "search", daysAgo: 9.1, minutes: 160 },
  { ...status, site: "blog", daysAgo: 11.6, minutes: 75 },
  { ...status, site: "feed", daysAgo: 11.6, minutes: 75 },
  {
    is: "down",
    reason: "tls_certificate_expired",
    error: "The certificate of CN=hooks.shop.example has expired",
    site: "webhooks",
    daysAgo: 42,
    minutes: 190,
  },
  { is: "unobserved", daysAgo: 33.3, minutes: 2_900 },
  { ...slow, site: "images", daysAgo: 20, minutes: 240 },
  { ...refused, site: "card payments", daysAgo: 26.4, minutes: 55 },
  { ...slow, site: "card payments", daysAgo: 26.2, minutes: 400 },
  { ...status, site: "parcels", daysAgo: 47.7, minutes: 130 },
  { ...status, site: "parcels", daysAgo: 61.2, minutes: 35 },
  { ...slow, site: "parcels", daysAgo: 61, minutes: 1_500 },
  { ...status, site: "front page", daysAgo: 68.5, minutes: 22 },
  { ...status, site: "basket", daysAgo: 68.5, minutes: 22 },
  { ...status, site: "checkout", daysAgo: 68.5, minutes: 31 },
  { ...slow, site: "help", daysAgo: 74, minutes: 700 },
  { ...status, site: "stock", daysAgo: 79.4, minutes: 64 },
];
