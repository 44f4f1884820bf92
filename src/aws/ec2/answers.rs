//! What EC2's answers say. Names of elements are those of its own protocol (facts 7).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A virtual private cloud.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vpc {
    /// `vpc-...`
    #[serde(rename = "vpcId")]
    pub id: String,
    /// Its addresses.
    #[serde(default)]
    pub cidr_block: String,
    /// Whether it is the region's default.
    #[serde(default)]
    pub is_default: bool,
    #[serde(default)]
    tag_set: Items<Tag>,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subnet {
    /// `subnet-...`
    #[serde(rename = "subnetId")]
    pub id: String,
    /// The availability zone.
    #[serde(rename = "availabilityZone")]
    pub zone: String,
    /// Whether it is the zone's default one.
    #[serde(rename = "defaultForAz", default)]
    pub is_default: bool,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteTable {
    #[serde(default)]
    route_set: Items<Route>,
    #[serde(default)]
    association_set: Items<Association>,
}

/// A route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Route {
    /// Where to, of IPv4.
    pub destination_cidr_block: String,
    /// Through an internet gateway (`igw-`) or a private one (`vgw-`), or `local`.
    pub gateway_id: String,
    /// `active`, or `blackhole` where what it leads to is gone.
    pub state: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Association {
    subnet_id: String,
    main: bool,
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroup {
    /// `sg-...`
    #[serde(rename = "groupId")]
    pub id: String,
    /// Its name, of which there is one in a VPC.
    #[serde(rename = "groupName")]
    pub name: String,
    /// Its VPC.
    #[serde(rename = "vpcId", default)]
    pub vpc: String,
    #[serde(default)]
    tag_set: Items<Tag>,
    #[serde(default)]
    ip_permissions: Items<IpPermission>,
}

/// One thing that a security group lets in. What is written about it sets no two apart.
#[derive(Debug, Clone, Eq)]
pub struct Permission {
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
    pub protocol: String,
    /// The first port; none means all.
    pub from: Option<i32>,
    /// The last port; none means all.
    pub to: Option<i32>,
    /// From whom.
    pub peer: Peer,
    /// What is written about it.
    pub description: Option<String>,
}

impl PartialEq for Permission {
    fn eq(&self, other: &Self) -> bool {
        let is = |it: &Self| (it.protocol.clone(), it.from, it.to, it.peer.clone());
        is(self) == is(other)
    }
}

/// Who is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// What has the security group of this id.
    Group(String),
    /// IPv4 addresses.
    V4(String),
    /// IPv6 addresses.
    V6(String),
    /// A list of addresses, by its id.
    Prefixes(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IpPermission {
    ip_protocol: String,
    from_port: Option<i32>,
    to_port: Option<i32>,
    groups: Items<PeerItem>,
    ip_ranges: Items<PeerItem>,
    ipv6_ranges: Items<PeerItem>,
    prefix_list_ids: Items<PeerItem>,
}

/// Who is let in, as an item of a list tells.
type ToPeer = fn(&PeerItem) -> Peer;

/// What stands in a list of those who are let in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PeerItem {
    group_id: String,
    cidr_ip: String,
    cidr_ipv6: String,
    prefix_list_id: String,
    description: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Offering {
    pub(super) location: String,
}

/// A list, as EC2 writes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Items<T> {
    #[serde(default = "Vec::new")]
    item: Vec<T>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

/// A page of a list.
pub(super) trait Page: DeserializeOwned + Send + Sync + 'static {
    type Item;
    /// What is on it, and where the next one begins.
    fn read(self) -> (Vec<Self::Item>, Option<String>);
}

macro_rules! pages {
    ($($page:ident, $set:literal, $item:ty;)*) => {$(
        #[derive(Deserialize)]
        pub(super) struct $page {
            #[serde(rename = $set, default)]
            items: Items<$item>,
            #[serde(rename = "nextToken", default)]
            next: String,
        }

        impl Page for $page {
            type Item = $item;
            fn read(self) -> (Vec<$item>, Option<String>) {
                (self.items.item, Some(self.next).filter(|it| !it.is_empty()))
            }
        }
    )*};
}

pages! {
    Vpcs, "vpcSet", Vpc;
    Subnets, "subnetSet", Subnet;
    RouteTables, "routeTableSet", RouteTable;
    SecurityGroups, "securityGroupInfo", SecurityGroup;
    Offerings, "instanceTypeOfferingSet", Offering;
}

impl Vpc {
    /// The name that people gave it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let tag = self.tag_set.item.iter().find(|tag| tag.key == "Name");
        tag.map(|tag| tag.value.as_str())
            .filter(|it| !it.is_empty())
    }
}

impl RouteTable {
    /// Its routes.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.route_set.item
    }

    /// Whether it is the one of this subnet by name.
    #[must_use]
    pub fn is_of(&self, subnet: &str) -> bool {
        self.association_set
            .item
            .iter()
            .any(|it| it.subnet_id == subnet)
    }

    /// Whether it is the one of all subnets that have none of their own.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.association_set.item.iter().any(|it| it.main)
    }
}

impl SecurityGroup {
    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> BTreeMap<String, String> {
        let tags = self.tag_set.item.iter();
        tags.map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect()
    }

    /// What it lets in, each from one peer.
    #[must_use]
    pub fn permissions(&self) -> Vec<Permission> {
        let each = |seen: &IpPermission| {
            let lists: [(&Items<PeerItem>, ToPeer); 4] = [
                (&seen.groups, |it| Peer::Group(it.group_id.clone())),
                (&seen.ip_ranges, |it| Peer::V4(it.cidr_ip.clone())),
                (&seen.ipv6_ranges, |it| Peer::V6(it.cidr_ipv6.clone())),
                (&seen.prefix_list_ids, |it| {
                    Peer::Prefixes(it.prefix_list_id.clone())
                }),
            ];
            let peers = lists
                .into_iter()
                .flat_map(|(list, peer)| list.item.iter().map(move |it| (it, peer(it))));
            let permission = |(item, peer): (&PeerItem, Peer)| Permission {
                protocol: seen.ip_protocol.clone(),
                from: seen.from_port,
                to: seen.to_port,
                peer,
                description: item.description.clone(),
            };
            peers.map(permission).collect::<Vec<_>>()
        };
        self.ip_permissions.item.iter().flat_map(each).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read() {
        let answer = "<DescribeSecurityGroupsResponse><requestId>r</requestId><securityGroupInfo>
            <item><groupId>sg-1</groupId><groupName>a</groupName><vpcId>vpc-1</vpcId>
              <ipPermissions>
                <item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort>
                  <groups><item><userId>1</userId><groupId>sg-2</groupId></item></groups>
                  <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><ipv6Ranges/></item>
                <item><ipProtocol>-1</ipProtocol><groups/><ipRanges/><ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges></item>
              </ipPermissions>
              <tagSet><item><key>k</key><value/></item></tagSet></item>
            <item><groupId>sg-2</groupId><groupName>b</groupName></item>
            </securityGroupInfo><nextToken>more</nextToken></DescribeSecurityGroupsResponse>";
        let page: SecurityGroups = quick_xml::de::from_str(answer).expect("an answer");
        let (groups, next) = page.read();
        assert_eq!((groups.len(), next.as_deref()), (2, Some("more")));
        assert_eq!(
            groups[0].tags(),
            BTreeMap::from([("k".into(), String::new())])
        );
        let permission = |protocol: &str, port, peer| Permission {
            protocol: protocol.into(),
            from: port,
            to: port,
            peer,
            description: None,
        };
        assert_eq!(
            groups[0].permissions(),
            [
                permission("tcp", Some(22), Peer::Group("sg-2".into())),
                permission("tcp", Some(22), Peer::V4("0.0.0.0/0".into())),
                permission("-1", None, Peer::V6("::/0".into())),
            ]
        );
        assert!(groups[1].permissions().is_empty());
    }

    #[test]
    fn routes_are_read() {
        let answer = "<DescribeRouteTablesResponse><routeTableSet><item><routeTableId>rtb-1</routeTableId><routeSet>
            <item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId><state>active</state></item>
            <item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId><state>active</state></item>
            </routeSet><associationSet><item><main>true</main></item><item><subnetId>subnet-1</subnetId><main>false</main></item></associationSet></item></routeTableSet></DescribeRouteTablesResponse>";
        let page: RouteTables = quick_xml::de::from_str(answer).expect("an answer");
        let (tables, next) = page.read();
        assert_eq!(next, None);
        assert!(tables[0].is_main() && tables[0].is_of("subnet-1") && !tables[0].is_of("subnet-2"));
        assert_eq!(tables[0].routes()[1].gateway_id, "");
        let empty: Vpcs = quick_xml::de::from_str("<R><vpcSet/></R>").expect("an answer");
        assert!(empty.read().0.is_empty());
    }
}
